//! A real Python with a checkpoint that may do as it likes, and what it gets away with.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

/// What stands for our scripts: it unpickles the model, as `PyTorch` would, with all that this may run.
const SCRIPT: &str = "
import json, pickle, sys
job = json.loads(sys.stdin.readline())
with open(job['model'], 'rb') as file:
    model = pickle.load(file)
with open(job['to'], 'wb') as file:
    file.write(repr(model).encode())
";

/// Writes a checkpoint that is an expression of Python's.
const PICKLE: &str = "
import pickle, sys
class Model:
    def __reduce__(self):
        return eval, (sys.argv[1],)
with open(sys.argv[2], 'wb') as file:
    pickle.dump(Model(), file)
";

/// A folder with a user's things, and one to work in.
struct Desk {
    home: TempDir,
    work: TempDir,
    python: Python,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            home: tempfile::tempdir().unwrap(),
            work: tempfile::tempdir().unwrap(),
            python: Python::new("python3".into()),
        };
        fs::write(desk.home.path().join("secret"), "secret").unwrap();
        desk
    }

    /// Has Python load a checkpoint that evaluates this, where DESK stands for the user's folder. What was made of it, or why nothing.
    fn load(&self, expression: &str) -> Result<String, String> {
        let expression = expression.replace("DESK", &self.home.path().display().to_string());
        let model = self.home.path().join("model.pt");
        let wrote = Command::new("python3")
            .args(["-c", PICKLE, &expression])
            .arg(&model)
            .status();
        assert!(wrote.unwrap().success());
        let to = self.work.path().join("made.onnx");
        let task = Task {
            script: SCRIPT,
            reads: &[&model],
            to: &to,
        };
        let wanted = |to: &Path| serde_json::json!({ "model": model, "to": to });
        self.python
            .run(&task, wanted)
            .map_err(|error| error.to_string())?;
        let left: Vec<_> = fs::read_dir(self.work.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        Ok(fs::read_to_string(&to).unwrap())
    }
}

#[test]
fn a_checkpoint_gets_at_nothing_but_itself_and_python() {
    let desk = Desk::new();
    let stolen = desk.home.path().join("stolen");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp_port, udp_port) = (
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    );
    let refused = |expression: &str| {
        let error = desk.load(expression).unwrap_err();
        let is_refusal =
            error.contains("PermissionError") || error.contains("Operation not permitted");
        assert!(is_refusal, "{expression}: {error}");
    };
    refused("open('DESK/secret').read()");
    refused("__import__('os').listdir('DESK')");
    refused("open('DESK/stolen', 'w')");
    refused("open('DESK/model.pt', 'w')");
    refused("open('/tmp/nav-test-of-bounds', 'w')");
    refused("__import__('os').unlink('DESK/secret')");
    refused("__import__('os').chmod('DESK/secret', 0o777)");
    refused("__import__('os').truncate('DESK/secret', 0)");
    refused("__import__('os').setsid()");
    refused("open('/proc/1/cmdline').read()");
    refused(&format!("__import__('os').kill({}, 0)", std::process::id()));
    refused(&format!(
        "__import__('socket').create_connection(('127.0.0.1', {tcp_port}))"
    ));
    refused(&format!(
        "__import__('socket').socket(2, 2).sendto(b'secret', ('127.0.0.1', {udp_port}))"
    ));
    refused("__import__('socket').socket(1).connect('/var/run/docker.sock')");
    // Nor through another program.
    let cat = "__import__('subprocess').check_output(['cat', 'DESK/secret'])";
    assert!(desk.load(cat).unwrap_err().contains("CalledProcessError"));
    assert!(!stolen.exists() && !Path::new("/tmp/nav-test-of-bounds").exists());
    assert_eq!(
        fs::read_to_string(desk.home.path().join("secret")).unwrap(),
        "secret"
    );
    // While what it is there for goes well, as do files that the user lets it read.
    assert_eq!(desk.load("{'weight': 1 + 1}").unwrap(), "{'weight': 2}");
    let told = desk.load("__import__('os').environ['HOME'] == __import__('os').getcwd()");
    assert_eq!(told.unwrap(), "True");
    let home = "open(__import__('os').path.expanduser('~/kept'), 'w').write('kept')";
    assert_eq!(desk.load(home).unwrap(), "4");
    let desk = Desk {
        python: Python {
            reads: vec![desk.home.path().join("secret")],
            ..desk.python.clone()
        },
        ..desk
    };
    assert_eq!(desk.load("open('DESK/secret').read()").unwrap(), "'secret'");
}

#[test]
fn a_python_that_is_not_confined_does_what_the_user_may() {
    let mut desk = Desk::new();
    desk.python.unconfined = true;
    assert_eq!(desk.load("open('DESK/secret').read()").unwrap(), "'secret'");
}

#[test]
fn what_a_checkpoint_starts_ends_with_its_python() {
    let desk = Desk::new();
    // It would hold standard error open, and so be waited for, for an hour.
    let expression = "__import__('subprocess').Popen(['sleep', '3600']).pid";
    let pid = desk.load(expression).unwrap();
    let stat = format!("/proc/{pid}/stat");
    // It was killed, and goes as soon as the system has time for it.
    while fs::read_to_string(&stat)
        .is_ok_and(|stat| stat.contains("(sleep)") && !stat.contains(") Z"))
    {
        std::thread::yield_now();
    }
}

#[test]
fn what_is_no_plain_file_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let check = |make: &dyn Fn(&Scratch), expected: Result<(), &str>| {
        let to = folder.path().join("made.onnx");
        let scratch = Scratch::beside(&to).unwrap();
        make(&scratch);
        let handed = scratch.hand_over(&to);
        assert_eq!(handed.as_ref().map_err(String::as_str).copied(), expected);
        assert_eq!(to.exists(), expected.is_ok());
    };
    let no_plain_file = Err("what it made is no plain file: made.onnx");
    check(
        &|scratch| symlink(&secret, &scratch.model).unwrap(),
        no_plain_file,
    );
    check(
        &|scratch| fs::hard_link(&secret, &scratch.model).unwrap(),
        no_plain_file,
    );
    check(
        &|scratch| fs::create_dir(&scratch.model).unwrap(),
        no_plain_file,
    );
    check(&|_| {}, Err("it ended without having made anything"));
    check(
        &|scratch| {
            fs::write(&scratch.model, "model").unwrap();
            symlink(&secret, scratch.made.join("weights")).unwrap();
        },
        Err("what it made is no plain file: weights"),
    );
    check(
        &|scratch| {
            fs::write(&scratch.model, "model").unwrap();
            fs::write(scratch.made.join("weights"), "weights").unwrap();
        },
        Ok(()),
    );
    assert!(folder.path().join("weights").is_file());
}
