"""The published catalogue as linked data, for other platforms: CPSV-AP 3.2, a page at a time."""

from __future__ import annotations

from itertools import islice
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import reverse
from ninja import Query, Router
from pydantic import Field

from yimen.catalog import exports
from yimen.exchange import cpsv
from yimen.people.queries import main_center

router = Router(tags=["catalogue"])
MOST = 200


@router.get(
    "/catalogue.jsonld",
    url_name="catalogue",
    response={200: None},
    summary="Published services as CPSV-AP 3.2 JSON-LD; the Link header names the next page",
)
def catalogue(
    request: HttpRequest,
    after: UUID | None = None,
    limit: Annotated[int, Query(), Field(ge=1, le=MOST)] = 100,
) -> StreamingHttpResponse:
    """after: the id of the last item of the page before."""
    center = main_center()
    if center is None:
        raise Http404
    found = list(islice(exports.editions(center.region_id, after=after), limit + 1))
    page = found[:limit]
    base = request.build_absolute_uri("/").rstrip("/")
    response = StreamingHttpResponse(cpsv.document(page, base=base), content_type="application/ld+json; charset=utf-8")
    if len(found) > limit:
        query = urlencode({"after": page[-1][0].pk, "limit": limit})
        response["Link"] = f'<{base}{reverse("api:catalogue")}?{query}>; rel="next"'
    return response
