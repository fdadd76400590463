"""One adapter per neighbouring platform or format: imports and exports. Keeps imported history apart from our own."""
