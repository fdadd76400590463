"""The catalogue editor's pages: items from list to publishing, and the work calendar."""

from yimen.web.workbench import flow
from yimen.web.workbench.catalog import basics, calendar, editor, items, reviews, versions, wordlists

# Append only: every module of this package has its own addresses.
urlpatterns = [
    *items.urlpatterns,
    *editor.urlpatterns,
    *flow.urlpatterns,
    *versions.urlpatterns,
    *reviews.urlpatterns,
    *basics.urlpatterns,
    *wordlists.urlpatterns,
    *calendar.urlpatterns,
]
