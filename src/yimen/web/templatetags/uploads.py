"""Files handed in, as pages name them."""

from django import template

from yimen.cases.actions import uploads
from yimen.cases.models import Upload
from yimen.lib.uploads import FAULTS

register = template.Library()


@register.filter
def upload_name(upload: Upload) -> str:
    """The name its owner gave it."""
    return uploads.name_of(upload)


@register.filter
def upload_fault(upload: Upload) -> str:
    """Why it was not taken, and what to do instead."""
    return str(FAULTS.get(upload.fault, FAULTS["broken"]))
