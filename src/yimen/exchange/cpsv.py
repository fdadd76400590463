"""
The catalogue in the EU's public service vocabulary, CPSV-AP 3.2, as JSON-LD that meets its SHACL shapes.

Plain JSON with a context of our own (the standard's terms, no address to fetch); texts are tagged "zh". A working day
has no ISO 8601 duration, so processingTime counts the days as they stand and the description says which they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _
from django.utils.translation import override

from yimen.catalog import exports
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.lib.workdays import Limit, Unit

LANGUAGE = "zh"
Node = dict[str, Any]

CONTEXT: Node = {
    "adms": "http://www.w3.org/ns/adms#",
    "cpsv": "http://purl.org/vocab/cpsv#",
    "cv": "http://data.europa.eu/m8g/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "id": "@id",
    "type": "@type",
    "PublicService": "cpsv:PublicService",
    "PublicOrganisation": "cv:PublicOrganisation",
    "Channel": "cv:Channel",
    "ContactPoint": "cv:ContactPoint",
    "Cost": "cv:Cost",
    "Evidence": "cv:Evidence",
    "Output": "cv:Output",
    "Rule": "cpsv:Rule",
    "LegalResource": "eli:LegalResource",
    "Location": "dct:Location",
    "Concept": "skos:Concept",
    "LinguisticSystem": "dct:LinguisticSystem",
    "identifier": "dct:identifier",
    "title": {"@id": "dct:title", "@language": LANGUAGE},
    "description": {"@id": "dct:description", "@language": LANGUAGE},
    "prefLabel": {"@id": "skos:prefLabel", "@language": LANGUAGE},
    "keyword": {"@id": "dcat:keyword", "@language": LANGUAGE},
    "processingTime": {"@id": "cv:processingTime", "@type": "xsd:duration"},
    "hasCompetentAuthority": {"@id": "cv:hasCompetentAuthority", "@type": "@id"},
    "hasChannel": {"@id": "cv:hasChannel", "@type": "@id"},
    "contactPoint": {"@id": "cv:contactPoint", "@type": "@id"},
    "telephone": "cv:telephone",
    "hasCost": {"@id": "cv:hasCost", "@type": "@id"},
    "hasInput": {"@id": "cpsv:hasInput", "@type": "@id"},
    "produces": {"@id": "cpsv:produces", "@type": "@id"},
    "follows": {"@id": "cpsv:follows", "@type": "@id"},
    "hasLegalResource": {"@id": "cv:hasLegalResource", "@type": "@id"},
    "audience": {"@id": "dct:audience", "@type": "@id"},
    "thematicArea": {"@id": "cv:thematicArea", "@type": "@id"},
    "kind": {"@id": "dct:type", "@type": "@id"},
    "spatial": {"@id": "dct:spatial", "@type": "@id"},
    "language": {"@id": "dct:language", "@type": "@id"},
}
_CHINESE = "http://publications.europa.eu/resource/authority/language/ZHO"


def graph(items: Iterable[tuple[ServiceItem, ItemVersion]], *, base: str) -> Iterator[Node]:
    """
    Yield the nodes of each service; organs, places and themes once each, with the first service that needs them.

    base: what addresses begin with, "https://centre.example" for the centre's own pages.
    """
    told: set[str] = set()
    for item, version in items:
        for node in _service(item, version, base.rstrip("/")):
            if node["id"] not in told:
                if not node["id"].startswith(_own(item, base.rstrip("/"))):
                    told.add(node["id"])
                yield node


def document(items: Iterable[tuple[ServiceItem, ItemVersion]], *, base: str) -> Iterator[str]:
    """Yield the JSON-LD document in parts."""
    yield '{"@context": ' + json.dumps(CONTEXT, ensure_ascii=False) + ',\n"@graph": ['
    sign = "\n"
    for node in graph(items, base=base):
        yield sign + json.dumps(node, ensure_ascii=False)
        sign = ",\n"
    yield "\n]}\n"


def region_document(region: str, *, base: str, **which: Any) -> Iterator[str]:
    """The same for a whole region; `which` as exports.editions() has it."""
    return document(exports.editions(region, **which), base=base)


def _own(item: ServiceItem, base: str) -> str:
    return f"{base}/items/{quote(item.task_code, safe='')}"


def _service(item: ServiceItem, version: ItemVersion, base: str) -> Iterator[Node]:
    own = _own(item, base)
    organ = f"{base}/departments/{item.department_id}"
    place = f"{base}/regions/{quote(item.region_id, safe='')}"
    service: Node = {
        "id": own,
        "type": "PublicService",
        "identifier": item.task_code,
        "title": version.name,
        "description": _description(version),
        "hasCompetentAuthority": organ,
        "language": _CHINESE,
        "spatial": place,
    }
    if version.everyday_names:
        service["keyword"] = list(version.everyday_names)
    if version.promised is not None:
        service["processingTime"] = duration(version.promised)
    elif version.is_immediate:
        service["processingTime"] = "P0D"
    yield {"id": _CHINESE, "type": "LinguisticSystem"}
    yield {"id": place, "type": "Location", "identifier": item.region_id}
    yield {"id": organ, "type": "PublicOrganisation", "prefLabel": item.department.name, "spatial": place}
    for term, kind, words in (
        ("audience", "audiences", version.service_objects),
        ("thematicArea", "themes", version.themes),
        ("kind", "types", [_type_name(item)] if item.item_type else []),
    ):
        if words:
            service[term] = [f"{base}/concepts/{kind}/{quote(word, safe='')}" for word in words]
        for word in words:
            yield {"id": f"{base}/concepts/{kind}/{quote(word, safe='')}", "type": "Concept", "prefLabel": word}
    yield from _parts(version, service, own)
    yield service


def _type_name(item: ServiceItem) -> str:
    with override("zh-hans"):
        return str(item.get_item_type_display())


def _parts(version: ItemVersion, service: Node, own: str) -> Iterator[Node]:
    """What belongs to one service alone: materials, fees, places, the law, what one gets."""

    def part(term: str, name: str, node: Node) -> Node:
        pk = f"{own}#{name}"
        service.setdefault(term, []).append(pk)
        return {"id": pk, "identifier": f"{version.item.task_code}-{name}"} | node

    for row in version.materials.all():
        node: Node = {"type": "Evidence", "title": row.name}
        about = [str(row.get_necessity_display())] if version.is_stated("materials.necessity") else []
        about += [row.note] if row.note else []
        if about:
            node["description"] = "；".join(about)
        yield part("hasInput", f"material-{row.position}", node)
    fees = list(version.fees.all())
    for fee in fees:
        text = f"{fee.name}：{fee.standard}（{fee.basis}）"
        yield part("hasCost", f"fee-{fee.position}", {"type": "Cost", "description": text})
    if not fees and version.is_stated("has_fee"):
        text = version.fee_note or str(_("收费")) if version.has_fee else str(_("不收费"))
        cost: Node = {"type": "Cost", "description": text}
        if not version.has_fee:
            cost["cv:hasValue"] = {"@type": "xsd:double", "@value": "0"}
        yield part("hasCost", "fee", cost)
    if version.place or version.hours:
        about_place = "\n".join(filter(None, (version.place, version.hours)))
        yield part("hasChannel", "window", {"type": "Channel", "description": about_place})
    if version.consult_way:
        pk = f"{own}#contact"
        service["contactPoint"] = pk
        yield {"id": pk, "type": "ContactPoint", "telephone": version.consult_way}
    if version.legal_basis:
        pk = f"{own}#law"
        service["hasLegalResource"] = pk
        yield {"id": pk, "type": "LegalResource", "description": version.legal_basis}
    if version.procedure:
        rule = {"type": "Rule", "title": f"{version.name}：办理流程", "description": version.procedure}
        yield part("follows", "procedure", rule)
    if version.result_name:
        yield part("produces", "result", {"type": "Output", "title": version.result_name})


def _description(version: ItemVersion) -> str:
    """CPSV-AP wants one: what it is in plain words, else who may apply, else its name; then the promised days."""
    said = [version.plain_text or version.accept_condition or version.name]
    if version.promised is not None and version.promised.unit == Unit.WORKDAY:
        said.append(f"承诺 {version.promised.number} 个工作日办结。")
    return "\n".join(said)


def duration(limit: Limit) -> str:
    """Return an ISO 8601 duration; working days count as days, the nearest it can say."""
    match limit.unit:
        case Unit.HOUR:
            return f"PT{limit.number}H"
        case Unit.MONTH:
            return f"P{limit.number}M"
    return f"P{limit.number}D"
