from django.apps import AppConfig


class InsightConfig(AppConfig):
    name = "yimen.insight"
    label = "insight"
