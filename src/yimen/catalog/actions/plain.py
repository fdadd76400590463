"""The official words a place explains in its own way."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.models import JargonWord
from yimen.catalog.queries.plain import shipped_words
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Region


class BadWord(DomainError):
    """The word or its explanation cannot be kept."""


@transaction.atomic
def set_word(region: Region, word: str, plain: str, *, by: Actor, at: datetime) -> JargonWord:
    """
    Say how `word` is put plainly in `region`, whether shipped, known or new; the same again records nothing.

    An empty `plain` leaves a shipped word unmarked here. Raises BadWord, access.NotAllowed.
    """
    access.require(by, "catalog.edit", region=region.pk)
    word, plain = word.strip(), plain.strip()
    if not 1 < len(word) <= 40:
        raise BadWord(_("行话写 2 到 40 个字；一个字太短，到处都会标出来。"))
    if not plain and word not in shipped_words():
        raise BadWord(_("请写上“%(word)s”用大白话怎么说。") % {"word": word})
    if len(plain) > 80:
        raise BadWord(_("大白话最多写 80 个字。"))
    if plain and word in plain:
        raise BadWord(_("大白话里又用了“%(word)s”，请换个说法。") % {"word": word})
    # Two editors of one word queue here; the second one's word stands.
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)
    known = JargonWord.objects.filter(region=region, word=word).first()
    if known and known.plain == plain:
        return known
    row, _is_new = JargonWord.objects.update_or_create(region=region, word=word, defaults={"plain": plain})
    data = {"word": word, "plain": plain, "before": known.plain if known else shipped_words().get(word, "")}
    ledger.record(f"jargon:{region.pk}", "catalog.jargon_set", region=region.pk, by=by, at=at, data=data)
    return row


@transaction.atomic
def drop_word(region: Region, word: str, *, by: Actor, at: datetime) -> None:
    """Forget what the place said about `word`; a shipped word counts again. A repeat records nothing."""
    access.require(by, "catalog.edit", region=region.pk)
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)
    known = JargonWord.objects.filter(region=region, word=word).first()
    if known is None:
        return
    before = known.plain
    known.delete()
    data = {"word": word, "before": before}
    ledger.record(f"jargon:{region.pk}", "catalog.jargon_dropped", region=region.pk, by=by, at=at, data=data)
