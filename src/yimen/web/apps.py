from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "yimen.web"
    label = "web"
