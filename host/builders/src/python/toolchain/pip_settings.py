"""What pip is told on this machine, by its configuration files and by `PIP_*`, as JSON. What is said later counts."""

import json
import sys

from pip._internal.configuration import Configuration

SECTIONS = ("global", "install", ":env:")


def settings():
    configuration = Configuration(isolated=False)
    configuration.load()
    said = {section: {} for section in SECTIONS}
    for name, value in configuration.items():
        # Newer ones keep apart what each file says.
        for key, text in value.items() if isinstance(value, dict) else [(name, value)]:
            section, _, key = key.partition(".")
            if section in said:
                said[section][key] = text
    merged = {}
    for section in SECTIONS:
        merged.update(said[section])
    return merged


if __name__ == "__main__":
    json.dump(settings(), sys.stdout)
