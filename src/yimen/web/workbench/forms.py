"""What is typed at the workbench, judged field by field before it becomes an act."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import BadRequest
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from yimen.cases.actions import Handed
from yimen.cases.models import Case, CaseMaterial
from yimen.catalog.models import CaseType
from yimen.lib import pdf
from yimen.lib.text import listed
from yimen.people import identity
from yimen.people.models import Applicant, Department

STATE, NOTE, FORM, REUSED = "state-", "note-", "form-", "reused-"
NAME = {"required": _("请填写申请人的姓名或名称。")}
NUMBER = {"required": _("请填写证件号码：个人填身份证号码，单位填统一社会信用代码。")}
PHONE = {"required": _("请填写手机号，查进度、领结果都要用。")}


class ApplicantForm(forms.Form):
    """
    Who applies. known: an applicant found by his number, then nothing else is asked.

    today: the local day, against which a birth date is judged.
    """

    kind = forms.ChoiceField(label=_("谁来办"), choices=Applicant.Kind.choices, initial=Applicant.Kind.PERSON)
    id_number = forms.CharField(
        label=_("证件号码"),
        max_length=30,
        error_messages=NUMBER,
        help_text=_("个人填身份证号码，单位填统一社会信用代码。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )
    name = forms.CharField(
        label=_("姓名或名称"),
        max_length=120,
        error_messages=NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    phone = forms.CharField(
        label=_("手机号"),
        max_length=30,
        error_messages=PHONE,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )
    agent_name = forms.CharField(
        label=_("代办人姓名"),
        max_length=60,
        required=False,
        help_text=_("本人来办就空着。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, today: date, known: Applicant | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.known = today, known
        if known:
            for name in ("kind", "id_number", "name", "phone"):
                del self.fields[name]

    def clean_phone(self) -> str:
        try:
            return identity.check_phone(self.cleaned_data["phone"])
        except identity.InvalidIdentity as error:
            raise forms.ValidationError(str(error)) from error

    def clean_id_number(self) -> str:
        number = str(self.cleaned_data["id_number"]).strip().upper()
        try:
            if self.cleaned_data.get("kind") == Applicant.Kind.FIRM:
                identity.check_credit_code(number)
            else:
                identity.check_resident_id(number, today=self.today)
        except identity.InvalidIdentity as error:
            raise forms.ValidationError(str(error)) from error
        return number


class QuickSelect(forms.Select):
    """A select drawn at once: Django's goes through a template for every option."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (one["value"], " selected" if one["selected"] else "", one["label"])
                for _group, listed, _index in widget["optgroups"]
                for one in listed
            ),
        )
        return format_html('<select name="{}"{}>{}</select>', name, flatatt(widget["attrs"]), options)


class CaseFilter(forms.Form):
    """What the list of cases is narrowed to; a value nobody offers is as good as none."""

    DUE = (("", _("不限")), ("overdue", _("已超期")), ("today", _("今天到期")), ("week", _("七天内到期")))

    q = forms.CharField(label=_("找编号或申请人"), max_length=60, required=False)
    status = forms.ChoiceField(label=_("状态"), required=False, choices=[("", _("不限")), *Case.Status.choices])
    type = forms.ChoiceField(label=_("类型"), required=False, choices=[("", _("不限")), *CaseType.choices])
    due = forms.ChoiceField(label=_("到期"), required=False, choices=DUE)
    department = forms.TypedChoiceField(label=_("部门"), required=False, coerce=UUID)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments = Department.objects.filter(region_id=region).order_by("name").values_list("pk", "name")
        self.fields["department"].choices = [("", _("不限")), *departments]  # type: ignore[attr-defined]
        for field in self.fields.values():
            if isinstance(field, forms.ChoiceField):
                field.widget = QuickSelect(choices=field.choices)  # type: ignore[arg-type]

    def chosen(self) -> dict[str, Any]:
        """Return the valid choices, by name; those left empty or impossible are not there."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


def materials_of(posted: QueryDict) -> dict[UUID, Handed]:
    """
    Return what was marked for each material, as posted: whether it is on the list is for the act to judge.

    Raises BadRequest for what no page of ours sends.
    """
    found = {}
    for name, value in posted.items():
        if not name.startswith(STATE):
            continue
        try:
            material = UUID(name.removeprefix(STATE))
        except ValueError:
            raise BadRequest("not a material") from None
        if value not in CaseMaterial.State.values:
            raise BadRequest("not a state of a material")
        note, form = (str(posted.get(f"{name}{material}", "")).replace("\x00", "") for name in (NOTE, FORM))
        earlier, number = _reused(str(posted.get(f"{REUSED}{material}", "")).replace("\x00", ""))
        found[material] = Handed(str(value), note, form, earlier, number)
    return found


def _reused(text: str) -> tuple[UUID | None, str]:
    """What serves again: the id of a material handed in before, or the number of a certificate."""
    try:
        return UUID(text), ""
    except ValueError:
        return None, text[:60]


def said_of_rare(*names: str) -> str:
    """Return what a clerk is told of characters our documents cannot print, by their codes; "" when there are none."""
    codes = listed(f"U+{ord(one):04X}" for one in pdf.missing_characters("".join(names)))
    if not codes:
        return ""
    said = gettext("姓名里有文书打印不出来的字（%(codes)s），会印成〓。请先和申请人说明，要手写的留好位置。")
    return said % {"codes": codes}
