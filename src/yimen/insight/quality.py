"""What editors have to look at: each finding is a count and the list behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import Delegation, DraftReview, FlowStep, ItemMaterial, ItemVersion, SearchMiss, ServiceItem
from yimen.catalog.queries.completeness import completeness_of, published_editions
from yimen.lib.figures import percent

_DRAFT = ItemVersion.objects.filter(item=OuterRef("pk"), state=ItemVersion.State.DRAFT)


def _no_plain_text(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    return items.filter(published__plain_text="")


def _not_compressed(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    same_unit = Q(published__promised_unit=F("published__statutory_unit"))
    return items.filter(
        same_unit, published__statutory_limit__gt=0, published__promised_limit__gte=F("published__statutory_limit")
    )


def _no_limit(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    return items.filter(published__promised_limit=None, published__case_type__in=("promised", "other"))


def _draft_waiting(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    return items.filter(Exists(_DRAFT))


def _review_waiting(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    asked = DraftReview.objects.filter(
        version__item=OuterRef("pk"), version__state=ItemVersion.State.DRAFT, given_at=None
    )
    return items.filter(Exists(asked))


def _no_delegation(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    in_force = Delegation.objects.filter(Q(until_on=None) | Q(until_on__gte=on), item=OuterRef("pk"), from_on__lte=on)
    in_force = in_force.filter(Q(revoked_on=None) | Q(revoked_on__gt=on))
    return items.filter(~Exists(in_force), should_enter=True, published__isnull=False)


def _material_without_basis(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    bare = ItemMaterial.objects.filter(version=OuterRef("published"), legal_basis="")
    return items.filter(Exists(bare))


def _no_steps(items: QuerySet[ServiceItem], on: date) -> QuerySet[ServiceItem]:
    return items.filter(~Exists(FlowStep.objects.filter(version=OuterRef("published"))), published__isnull=False)


@dataclass(frozen=True)
class Look:
    """One thing to look for. find: the items it is true of; on_published: out of published items, else of all."""

    key: str
    words: str | Promise
    hint: str | Promise
    find: Callable[[QuerySet[ServiceItem], date], QuerySet[ServiceItem]]
    on_published: bool = True


LOOKS = (
    Look("drafts", _("草稿等着发布"), _("有人写了，还没有人核对发布。"), _draft_waiting, on_published=False),
    Look("reviews", _("征求意见还没回"), _("请有关单位看的草稿，还没有答复。"), _review_waiting, on_published=False),
    Look("plain", _("没有大白话说明"), _("老百姓看不懂官话，写几句大白话。"), _no_plain_text),
    Look("limits", _("承诺没有比法定短"), _("承诺时限等于或者长于法定时限。"), _not_compressed),
    Look("no-limit", _("没写承诺几天"), _("不是即办件，也没有承诺时限。"), _no_limit),
    Look("steps", _("没有步骤"), _("办事的人看不到要走哪几步。"), _no_steps),
    Look("basis", _("材料没写依据"), _("要材料先要有依据（优化营商环境条例第四十条）。"), _material_without_basis),
    Look("delegation", _("没有授权书"), _("应进驻大厅的事项，今天没有有效的授权。"), _no_delegation),
)
BY_KEY = {look.key: look for look in LOOKS}


@dataclass(frozen=True)
class Fullness:
    """Completeness of the published editions (S4-27). mean: percent, None without any; ranges: how many in each."""

    count: int
    full: int
    mean: Decimal | None
    ranges: Sequence[tuple[str, int]]


_RANGES = ((100, "100 %"), (90, "90–99 %"), (75, "75–89 %"), (50, "50–74 %"), (0, "0–49 %"))


def fullness(region: str, *, departments: Sequence[Any] | None = None) -> Fullness:
    """Return how complete the published editions are together; one statement."""
    versions = published_editions(region)
    if departments is not None:
        versions = versions.filter(item__department__in=departments)
    percents = [completeness_of(version).percent for version in versions.iterator(chunk_size=500)]
    counts = dict.fromkeys((words for _least, words in _RANGES), 0)
    for each in percents:
        counts[next(words for least, words in _RANGES if each >= least)] += 1
    mean = (Decimal(sum(percents)) / len(percents)).quantize(Decimal("0.1"), ROUND_HALF_UP) if percents else None
    return Fullness(len(percents), counts["100 %"], mean, list(counts.items()))


@dataclass(frozen=True)
class Finding:
    """key: of a Look; of: how many items were looked at."""

    key: str
    words: str | Promise
    hint: str | Promise
    count: int
    of: int

    @property
    def rate(self) -> Decimal | None:
        return percent(self.count, self.of)


def _items(region: str, departments: Sequence[Any] | None) -> QuerySet[ServiceItem]:
    items = ServiceItem.objects.filter(region_id=region)
    return items if departments is None else items.filter(department__in=departments)


def found_items(region: str, key: str, *, on: date, departments: Sequence[Any] | None = None) -> QuerySet[ServiceItem]:
    """Return the items a Look is true of, by department and name. Raises KeyError for an unknown `key`."""
    found = BY_KEY[key].find(_items(region, departments), on)
    return found.select_related("department", "published").order_by("department__name", "name", "pk")


def findings(region: str, *, on: date, departments: Sequence[Any] | None = None) -> list[Finding]:
    """Return every Look with its count on the day `on`, one statement each."""
    everything = _items(region, departments)
    all_count, published_count = everything.count(), everything.filter(published__isnull=False).count()
    return [
        Finding(
            look.key,
            look.words,
            look.hint,
            look.find(everything, on).count(),
            published_count if look.on_published else all_count,
        )
        for look in LOOKS
    ]


def search_misses(region: str) -> QuerySet[SearchMiss]:
    """Return what people searched for in vain and nobody has settled, the most frequent first."""
    return SearchMiss.objects.filter(region_id=region, settled_at=None).order_by("-count", "text")
