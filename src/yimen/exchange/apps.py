from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "yimen.exchange"
    label = "exchange"
