"""Using the pages as a person without script does: open, fill in a form, press one of its buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client


@dataclass
class Button:
    word: str
    name: str
    value: str
    action: str


@dataclass
class Form:
    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._form: Form | None = None
        self._button: Button | None = None
        self._area: list[str] | None = None
        self._select = ""
        self._link: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._link = [of.get("href", ""), ""]
        if tag == "form":
            self._form = Form(of.get("method", "get").lower(), of.get("action", ""))
            self.forms.append(self._form)
        form = self._form
        if form is None:
            return
        if tag == "input" and of.get("name"):
            if of.get("type") in {"radio", "checkbox"}:
                form.choices.setdefault(of["name"], []).append(of.get("value", "on"))
                if "checked" in of:
                    form.fields.append((of["name"], of.get("value", "on")))
            else:
                form.fields.append((of["name"], of.get("value", "")))
        elif tag == "textarea":
            self._area = [of.get("name", ""), ""]
        elif tag == "select":
            self._select = of.get("name", "")
        elif tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(of.get("value", ""))
            if "selected" in of:
                form.fields.append((self._select, of.get("value", "")))
        elif tag == "button":
            self._button = Button("", of.get("name", ""), of.get("value", ""), of.get("formaction", form.action))
            form.buttons.append(self._button)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._form and self._area:
            self._form.fields.append((self._area[0], self._area[1]))
            self._area = None
        elif tag == "a" and self._link:
            self.links.append((self._link[0], self._link[1].strip()))
            self._link = None

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._button:
            self._button.word += data.strip()
        if self._area is not None:
            self._area[1] += data
        if self._link:
            self._link[1] += data


class Page:
    """One answer of the site; press() sends a form as it stands, with some fields filled in."""

    def __init__(self, client: Client, response: HttpResponse) -> None:
        self.client, self.response, self.status = client, response, response.status_code
        reader = _Reader()
        reader.feed(response.content.decode())
        self.forms, self.links = reader.forms, reader.links
        self.text = "".join(reader.text)

    @classmethod
    def open(cls, client: Client, address: str) -> Page:
        return cls(client, client.get(address, follow=True))

    def form(self, word: str) -> tuple[Form, Button]:
        for form in self.forms:
            for button in form.buttons:
                if word in button.word:
                    return form, button
        offered = [button.word for form in self.forms for button in form.buttons]
        raise AssertionError(f"no button {word!r} among {offered}")

    def has_button(self, word: str) -> bool:
        return any(word in button.word for form in self.forms for button in form.buttons)

    def filled(self, word: str, **values: Any) -> tuple[str, dict[str, list[str]]]:
        """The address and fields that pressing the button would send; a list fills fields of one name in order."""
        form, button = self.form(word)
        data: dict[str, list[str]] = {}
        for name, value in form.fields:
            data.setdefault(name, []).append(value)
        for name, value in values.items():
            assert name in data or name in form.choices, f"no field {name!r}"
            data[name] = [str(each) for each in value] if isinstance(value, list) else [str(value)]
        if button.name:
            data[button.name] = [button.value]
        return button.action, data

    def press(self, word: str, *, follow: bool = True, **values: Any) -> Page:
        address, data = self.filled(word, **values)
        return Page(self.client, self.client.post(address, data, follow=follow))

    def link(self, word: str) -> str:
        for address, text in self.links:
            if word in text:
                return address
        raise AssertionError(f"no link {word!r} among {[text for _address, text in self.links]}")

    def follow(self, word: str) -> Page:
        return Page.open(self.client, self.link(word))
