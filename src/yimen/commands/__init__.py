"""One module per `yimen` command; yimen.cli says what each must offer."""
