from django.urls import path

from yimen.web.portal import views

app_name = "portal"
urlpatterns = [
    path("", views.home, name="home"),
    path("progress", views.progress, name="progress"),
    path("unresolved", views.unresolved, name="unresolved"),
]
