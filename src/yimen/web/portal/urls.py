from django.urls import path

from yimen.web.portal import checklist, finding, flow, guide, leaflets, points, powers, rate, rulebook, views

app_name = "portal"
urlpatterns = [
    path("", views.home, name="home"),
    path("search", finding.search, name="search"),
    path("search/suggest", finding.suggest, name="suggest"),
    path("ask", finding.ask, name="ask"),
    path("themes/<slug:slug>", views.theme, name="theme"),
    path("departments", views.departments, name="departments"),
    path("departments/<uuid:pk>", views.department, name="department"),
    path("items/<str:code>", guide.page, name="item"),
    path("progress", views.progress, name="progress"),
    path("progress/leave", views.leave, name="leave"),
    path("cases/<str:number>", views.case, name="case"),
    path("cases/<str:number>/documents/<uuid:pk>", views.document, name="document"),
    path("verify", views.verify, name="verify_start"),
    path("verify/<str:code>", views.verify, name="verify"),
    path("queues", views.queues, name="queues"),
    path("r/<str:token>", rate.page, name="rate"),
    path("r/<str:token>/level", rate.rate, name="rate_level"),
    path("r/<str:token>/more", rate.more, name="rate_more"),
    path("ratings", rate.public, name="ratings"),
    path("ratings/<str:period>", rate.public, name="ratings_of"),
    path("powers", powers.powers, name="powers"),
    path("powers/changes", powers.changes, name="powers_changes"),
    path("unresolved", views.unresolved, name="unresolved"),
    *checklist.urlpatterns,
    *leaflets.urlpatterns,
    *points.urlpatterns,
    *flow.urlpatterns,
    *rulebook.urlpatterns,
]
