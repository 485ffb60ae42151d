"""What the builder is told: `report.json` beside the entry module. A build prints nothing, its output is a narrow pipe."""

import json


class Report:
    """Filled as the build goes on, written at its end, whatever that is."""

    def __init__(self, folder):
        self.path = folder + "/report.json"
        self.content = {
            # What was being done when this was written last: "import", "warm", "seal". A trap leaves it so.
            "stage": "import",
            "interface": None,
            "warm": [],
            "templates": 0,
            "modules": 0,
            "module_bytes": 0,
            "files": 0,
            "file_bytes": 0,
            "environment": [],
            "leaked": [],
            # What the commands of `run` made beside the app's code.
            "collected": [],
            # What the app wrote beside its code when it was imported, and by the end of the warm-up.
            "made": [],
            "written": [],
            "refused": None,
            "traceback": None,
            "warnings": [],
            "ran": [],
        }

    def __getitem__(self, key):
        return self.content[key]

    def __setitem__(self, key, value):
        self.content[key] = value

    def warn(self, sentence):
        if sentence not in self.content["warnings"]:
            self.content["warnings"].append(sentence)

    def write(self):
        with open(self.path, "w", encoding="utf-8") as opened:
            json.dump(self.content, opened, indent=1)
