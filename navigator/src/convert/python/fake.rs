//! Scripts of the shell that stand in for a Python.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Python;

/// A Python that runs this script instead of any.
pub(crate) fn fake(folder: &Path, script: &str) -> Python {
    fake_that(folder, ":", script)
}

/// The same, which does this when it is asked where it is.
pub(crate) fn fake_that(folder: &Path, asked: &str, script: &str) -> Python {
    let program = folder.join("python");
    let text = format!(
        "#!/bin/sh\ncase $4 in *sysconfig*)\n  {asked}\n  echo '{{\"program\":\"{program}\",\"places\":[\"{program}\"]}}'\n  exit;;\nesac\n{script}\n",
        program = program.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    Python::new(program)
}
