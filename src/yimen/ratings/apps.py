from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "yimen.ratings"
    label = "ratings"
