from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/home.html")


def progress(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/progress.html")


def unresolved(request: HttpRequest) -> HttpResponse:
    """办不成事反映窗口: where to turn when something could not be done."""
    return render(request, "portal/unresolved.html")
