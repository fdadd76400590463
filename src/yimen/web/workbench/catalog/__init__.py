"""The catalogue editor's pages: items from list to publishing, and the work calendar."""

from yimen.web.workbench.catalog import calendar, editor, items, versions

# Append only: every module of this package has its own addresses.
urlpatterns = [
    *items.urlpatterns,
    *editor.urlpatterns,
    *versions.urlpatterns,
    *calendar.urlpatterns,
]
