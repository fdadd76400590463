from django import forms
from django.utils.translation import gettext_lazy as _


class ProgressForm(forms.Form):
    """Number and the last four of the phone; whether they fit is for the domain to say."""

    number = forms.CharField(
        label=_("办件编号"),
        max_length=40,
        help_text=_("在收件凭证上，像 QH-261118-00417"),
        error_messages={"required": _("还没填办件编号")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    last_four = forms.RegexField(
        "^[0-9]{4}$",
        label=_("手机号后四位"),
        strip=True,
        help_text=_("办事时留的手机号，只要最后四个数字"),
        error_messages={"required": _("还没填手机号后四位"), "invalid": _("手机号后四位是 4 个数字")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": "4"}),
    )


class VerifyForm(forms.Form):
    code = forms.CharField(
        label=_("核验码"),
        max_length=20,
        help_text=_("印在文书右下角，12 个字"),
        error_messages={"required": _("还没填核验码")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
