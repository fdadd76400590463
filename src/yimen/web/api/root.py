"""The API: one act, one call. The documentation page is off; the schema is at openapi.json."""

from ninja import NinjaAPI

api = NinjaAPI(title="Yimen", version="1", urls_namespace="api", docs_url=None, openapi_url="/openapi.json")
