"""What a one-time notice (一次性告知) must hold before an item may be published (S0-30, S1-27, CASE-14)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class NoticeMaterial:
    """A material of the notice. form_key: the form that is this material, "" when it is none."""

    name: str
    form_key: str = ""


@dataclass(frozen=True)
class NoticeForm:
    """A form of the item. has_sample: somebody has filled in an example."""

    key: str
    title: str
    has_sample: bool


@dataclass(frozen=True)
class NoticeStep:
    """A step of the notice. duties: what the post has to do, or failing that what it may decide."""

    name: str
    post: str
    duties: str


def notice_faults(
    materials: Iterable[NoticeMaterial],
    forms: Iterable[NoticeForm],
    steps: Sequence[NoticeStep],
    complaint_way: str,
    plain_text: str,
) -> list[str]:
    """
    Return a sentence for each part the notice would lack; empty means a clerk can hand it out.

    Whether there are materials, steps, a limit and a fee at all is for missing_openings() to say.
    """
    by_key = {form.key: form for form in forms}
    faults = []
    for material in materials:
        if not material.form_key:
            continue
        form = by_key.get(material.form_key)
        if form is None:
            faults.append(_("材料“%(name)s”要填的表还没有做，请先加上这张表。") % {"name": material.name})
        elif not form.has_sample:
            faults.append(_("材料“%(name)s”还没有填好的样表，一次性告知要附上。") % {"name": material.name})
    for step in steps:
        if not step.post.strip() or not step.duties.strip():
            faults.append(_("“%(name)s”这一步还没写由哪个岗位负责、做什么。") % {"name": step.name})
    if not complaint_way.strip():
        faults.append(_("监督投诉方式还没写：一次性告知要写明办不好找谁。"))
    if not plain_text.strip():
        faults.append(_("大白话说明还没写：明白纸和一次性告知都要用。"))
    return faults
