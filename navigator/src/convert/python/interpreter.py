# Says where this Python is and what it reads of itself.
import json
import os
import sys
import sysconfig

prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
kinds = ("stdlib", "platstdlib", "purelib", "platlib")
programs = [sys.executable, getattr(sys, "_base_executable", None), os.path.realpath(sys.executable)]
parts = ("bin", "lib", "lib64", "pyvenv.cfg")
places = [*programs, *sys.path, *(sysconfig.get_path(kind) for kind in kinds), sysconfig.get_config_var("LIBDIR")]
places += [os.path.join(prefix, part) for prefix in sorted(prefixes) for part in parts]
print(json.dumps({"program": sys.executable, "places": [place for place in places if place]}))
