"""Model fields for personal data."""

import base64
from typing import Any

from django.core.exceptions import FieldError
from django.db import models

from yimen.lib import crypto


class EncryptedTextField(models.BinaryField):
    """
    Text that is sealed in the database (SEC-44): str in Python, bytes in the column.

    It cannot be filtered or ordered by meaning; look it up through a blind index beside it. Serialised rows carry the
    sealed bytes, never the text. The context is "table.column", so renaming either needs a migration that seals again.
    """

    @property
    def context(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        sealed = None if value is None else crypto.seal(value, self.context)
        return super().get_db_prep_value(sealed, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return None if value is None else crypto.open_sealed(value, self.context)

    def to_python(self, value: Any) -> Any:
        """Read what `value_to_string` wrote, as loaddata does; anything but a sealed value is refused."""
        return None if value is None else crypto.open_sealed(base64.b64decode(value, validate=True), self.context)

    def clean(self, value: Any, model_instance: Any) -> Any:
        self.validate(value, model_instance)
        self.run_validators(value)
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return base64.b64encode(crypto.seal(str(self.value_from_object(obj)), self.context)).decode()

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is sealed: look it up through its blind index.")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is sealed: nothing can be computed from it in the database.")
