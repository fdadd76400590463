from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "yimen.registers"
    label = "registers"
