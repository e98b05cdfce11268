use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

use super::*;

/// Runs a script of the shell, which may write to one folder only and read what a shell needs.
fn shell(script: &str, folder: &Path) -> Output {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).stdin(Stdio::null());
    let reads = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"];
    let bounds = Bounds {
        reads: reads.map(PathBuf::from).into(),
        writes: vec![folder.to_owned(), "/dev/null".into()],
        open_files: 64,
        memory: None,
    };
    bounds.surround(&mut command).unwrap();
    command.output().unwrap()
}

#[test]
fn a_process_within_bounds_does_what_it_may_and_nothing_else() {
    let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let check = |script: &str, expected: Result<&str, &str>| {
        let script = script
            .replace("INSIDE", &inside.path().display().to_string())
            .replace("OUTSIDE", &outside.path().display().to_string());
        let output = shell(&script, inside.path());
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        match expected {
            Ok(expected) => {
                assert!(output.status.success(), "{script}: {complained}");
                assert_eq!(said, expected, "{script}");
            }
            Err(expected) => {
                assert!(!output.status.success(), "{script}: {said}");
                assert!(complained.contains(expected), "{script}: {complained}");
            }
        }
    };
    check("echo made >INSIDE/file && cat INSIDE/file", Ok("made\n"));
    check(
        "mkdir INSIDE/folder && mv INSIDE/file INSIDE/folder/it && cat INSIDE/folder/it",
        Ok("made\n"),
    );
    check("read -r line </proc/self/stat && echo read", Ok("read\n"));
    check("ulimit -n", Ok("64\n"));
    check("cat OUTSIDE/secret", Err("Permission denied"));
    check("ls OUTSIDE", Err("Permission denied"));
    check("echo made >OUTSIDE/file", Err("Permission denied"));
    check("echo made >OUTSIDE/secret", Err("Permission denied"));
    check("rm OUTSIDE/secret", Err("Permission denied"));
    check("truncate -s 0 OUTSIDE/secret", Err("Permission denied"));
    check("ln OUTSIDE/secret INSIDE/link", Err("ln: "));
    check(
        "ln -s OUTSIDE/secret INSIDE/link; cat INSIDE/link",
        Err("Permission denied"),
    );
    check("chmod 777 OUTSIDE/secret", Err("Operation not permitted"));
    check("touch -d yesterday OUTSIDE/secret", Err("touch: "));
    check("cat /proc/1/status", Err("Permission denied"));
    check(
        "cp /bin/true INSIDE/program && INSIDE/program",
        Err("Permission denied"),
    );
    check("setsid -w true", Err("Operation not permitted"));
    check("kill -0 1", Err("kill: "));
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    let mode = fs::metadata(&secret).unwrap().permissions().mode() & 0o777;
    assert_ne!(mode, 0o777);
}

#[test]
fn what_this_process_has_open_goes_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open");
    fs::write(&path, "content").unwrap();
    let file = fs::File::open(&path).unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let output = shell("exec ls /proc/self/fd", folder.path());
    // Three streams and the folder itself.
    let open = String::from_utf8_lossy(&output.stdout);
    assert_eq!(open.lines().count(), 4, "{open}");
}

#[test]
fn a_place_to_write_to_must_be_there() {
    let bounds = Bounds {
        reads: vec!["/nowhere".into()],
        writes: vec!["/nowhere/either".into()],
        open_files: 64,
        memory: None,
    };
    let refused = bounds.surround(&mut Command::new("/bin/true")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot let it write to /nowhere/either"
    );
}
