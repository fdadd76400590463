"""The bytes of a BPMN file as a small tree: limited, and suspicious of every byte."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.parsers import expat

from django.utils.translation import gettext as _

from yimen.catalog.bpmn.names import DI, MODEL, OURS
from yimen.lib.errors import DomainError

CHUNK = 1 << 16
MAX_BYTES = 20_000_000
MAX_ELEMENTS = 100_000
MAX_DEPTH = 60
MAX_TEXT = 20_000


class UnreadableFlow(DomainError):
    """The file is no BPMN 2.0 file we can read; the sentence says why and what to do."""


@dataclass(eq=False)
class Element:
    """An element of the model's namespace, or of ours. line: where it begins, from 1."""

    tag: str
    attributes: dict[str, str]
    line: int
    parent: Element | None = None
    is_ours: bool = False
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.attributes.get("id", "")

    @property
    def name(self) -> str:
        return " ".join(self.attributes.get("name", "").split())

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()

    def all(self) -> Iterator[Element]:
        """Yield this element and all within, of the model's namespace, in the order of the file."""
        stack = [self]
        while stack:
            element = stack.pop()
            if not element.is_ours:
                yield element
            stack.extend(reversed(element.children))

    def of(self, *tags: str) -> list[Element]:
        return [child for child in self.children if child.tag in tags and not child.is_ours]

    def ours(self, tag: str) -> Element | None:
        """Return our own element in its extensionElements."""
        for extension in self.of("extensionElements"):
            for child in extension.children:
                if child.is_ours and child.tag == tag:
                    return child
        return None


@dataclass
class Document:
    """root: the definitions; drawn: shapes and edges of the diagram; other: elements of other namespaces."""

    root: Element
    drawn: Counter[str]


def parse(stream: BinaryIO, *, max_bytes: int = MAX_BYTES) -> Document:
    """Read a file, packed with gzip or not. Raises UnreadableFlow."""
    return _Parser(max_bytes).document(stream)


class _Parser:
    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self.stack: list[Element | None] = []
        self.root: Element | None = None
        self.drawn: Counter[str] = Counter()
        self.count = self.size = 0

    def document(self, stream: BinaryIO) -> Document:
        try:
            for chunk in self._chunks(stream):
                self.parser.Parse(chunk, False)
            if not self.size:
                raise UnreadableFlow(_("文件是空的。"))
            self.parser.Parse(b"", True)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableFlow(_("压缩文件不完整或已损坏，请重新导出后再试。")) from error
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code) or ""
            raise UnreadableFlow(
                _("第 %(line)d 行不是合格的 XML（%(reason)s），请从画图的软件里重新导出。")
                % {"line": error.lineno, "reason": reason}
            ) from error
        except (UnicodeDecodeError, LookupError, ValueError) as error:
            raise UnreadableFlow(_("文件的文字编码认不出来，请用 UTF-8 重新导出。")) from error
        assert self.root is not None
        return Document(self.root, self.drawn)

    def _chunks(self, stream: BinaryIO) -> Iterator[bytes]:
        begin = stream.read(2)
        stream.seek(0)
        plain: Any = gzip.GzipFile(fileobj=stream) if begin == b"\x1f\x8b" else stream
        while chunk := plain.read(CHUNK):
            self.size += len(chunk)
            if self.size > self.max_bytes:
                limit = self.max_bytes // 1_000_000
                raise UnreadableFlow(
                    _("文件解开后超过 %(limit)d MB，一张流程图用不了这么大，没有读完。") % {"limit": limit}
                )
            yield chunk

    def _refuse(self, sentence: str, **values: object) -> UnreadableFlow:
        return UnreadableFlow(_("第 %(line)d 行：") % {"line": self.parser.CurrentLineNumber} + sentence % values)

    def _refuse_doctype(self, *_args: object) -> None:
        raise self._refuse(_("文件里有 DOCTYPE 或实体声明，可能藏着攻击，不能导入。请去掉后再试。"))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        uri, _blank, tag = name.rpartition(" ")
        if self.root is None and (tag != "definitions" or uri != MODEL):
            if tag != "definitions":
                raise self._refuse(_("最外层是 <%(tag)s>，不是 BPMN 的 <definitions>。"), tag=tag[:40])
            raise self._refuse(_("<definitions> 没有写 BPMN 2.0 的命名空间 %(uri)s，认不出是哪种文件。"), uri=MODEL)
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise self._refuse(_("文件里超过 %(limit)d 个元素，太多了，没有读完。"), limit=MAX_ELEMENTS)
        if len(self.stack) >= MAX_DEPTH:
            raise self._refuse(_("元素套了超过 %(limit)d 层，不能导入。"), limit=MAX_DEPTH)
        if any(len(value) > MAX_TEXT for value in attributes.values()):
            raise self._refuse(_("有一处文字超过 %(limit)d 个字，不能导入。"), limit=MAX_TEXT)
        if uri == DI and tag in {"BPMNShape", "BPMNEdge"}:
            self.drawn[tag] += 1
        parent = self.stack[-1] if self.stack else None
        if uri not in {MODEL, OURS} or (parent is None and self.stack and uri == OURS):
            self.stack.append(parent)  # what stands inside belongs to whoever it stands in
            return
        element = Element(tag, attributes, self.parser.CurrentLineNumber, parent, uri == OURS)
        if parent is not None:
            parent.children.append(element)
        else:
            self.root = element
        self.stack.append(element)

    def _end(self, _name: str) -> None:
        self.stack.pop()

    def _characters(self, text: str) -> None:
        if self.stack and (element := self.stack[-1]) is not None and element.tag in _WORDED:
            element.pieces.append(text)


_WORDED = frozenset({"flowNodeRef", "documentation", "conditionExpression", "text", "answer"})
