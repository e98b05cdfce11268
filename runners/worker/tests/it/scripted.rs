//! A child that speaks the protocol by hand, from its documentation, and breaks it where its script says.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

const HELLO: u16 = 1;
const LOADED: u16 = 5;
const SESSION_OPENED: u16 = 8;
const DONE: u16 = 11;
const NEED_OUTPUT: u16 = 12;

/// One FP32 and one BYTES output, of whatever shape.
const SIGNATURE: &[u8] = br#"{
    "inputs": [{"name": "x", "dtype": "FP32", "dims": null}],
    "outputs": [{"name": "y", "dtype": "FP32", "dims": null},
                {"name": "s", "dtype": "BYTES", "dims": null}]}"#;

/// The body of the child.
pub(crate) fn serve() {
    let prefix = "script=";
    let script = std::env::args().find_map(|argument| {
        let script = argument.strip_prefix(prefix)?;
        Some(script.to_owned())
    });
    // Without a script, somebody ran the ignored tests.
    if let Some(script) = script {
        let control = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
        play(&script, &control);
    }
}

fn play(script: &str, control: &OwnedFd) {
    match script {
        "another-version" => {
            let mut hello = frame(HELLO, &[]);
            hello[4] = 9;
            send(control, &hello);
        }
        "not-a-frame" => send(control, b"hello, world"),
        "silence" => stay(),
        _ => send(control, &frame(HELLO, &[])),
    }
    // Its greeting and the model to load.
    receive(control);
    receive(control);
    if script == "wrong-signature" {
        send(control, &frame(LOADED, b"{\"inputs\": 3}"));
    }
    send(control, &frame(LOADED, SIGNATURE));
    let (_, session) = receive(control);
    let session = session.unwrap();
    send(&session, &frame(SESSION_OPENED, &[]));
    // The input slot and the run.
    receive(&session);
    receive(&session);
    answer(script, &session);
    // Whatever the script, the next run is answered well.
    while !receive(&session).0.is_empty() {
        send(&session, &done(&[]));
    }
}

fn answer(script: &str, session: &OwnedFd) {
    match script {
        "garbage" => send(session, &[0xff; 100]),
        "wrong-length" => send(session, &frame(DONE, &[0; 8])[..16]),
        "too-long" => send(session, &vec![0; 140_000]),
        "wrong-kind" => send(session, &frame(LOADED, SIGNATURE)),
        "unknown-output" => send(session, &done(&[output(7, 11, 0, 4)])),
        "wrong-type" => send(session, &done(&[output(0, 8, 0, 8)])),
        "unknown-type" => send(session, &done(&[output(0, 99, 0, 8)])),
        "wrong-size" => send(session, &done(&[output(0, 11, 0, 8)])),
        "out-of-slot" => send(session, &done(&[output(0, 11, 1 << 40, 4)])),
        "too-many" => send(session, &frame(DONE, &u32::MAX.to_le_bytes())),
        "bad-strings" => {
            send(session, &need(100));
            receive(session);
            send(session, &done(&[output(1, 13, 0, 3)]));
        }
        "needs-twice" => {
            send(session, &need(100));
            receive(session);
            send(session, &need(200));
        }
        "needs-everything" => {
            send(session, &need(u64::MAX));
            let (refusal, _) = receive(session);
            assert_eq!(refusal[6], 13);
        }
        "file-with-answer" => send_file(session, &done(&[]), session.as_fd()),
        "closes" => {
            rustix::net::shutdown(session, rustix::net::Shutdown::Both).unwrap();
            stay();
        }
        _ => send(session, &done(&[])),
    }
}

fn frame(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    let mut frame = b"NAVW\x01\x00".to_vec();
    frame.extend(kind.to_le_bytes());
    frame.extend(length.to_le_bytes());
    frame.extend(body);
    frame
}

fn need(bytes: u64) -> Vec<u8> {
    frame(NEED_OUTPUT, &bytes.to_le_bytes())
}

fn done(outputs: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(outputs.len()).unwrap();
    let mut body = count.to_le_bytes().to_vec();
    body.extend(outputs.concat());
    frame(DONE, &body)
}

/// A scalar.
fn output(index: u32, dtype: u8, offset: u64, size: u64) -> Vec<u8> {
    let mut output = index.to_le_bytes().to_vec();
    output.extend([0, 0, dtype, 0]);
    output.extend(offset.to_le_bytes());
    output.extend(size.to_le_bytes());
    output
}

fn send(socket: &OwnedFd, packet: &[u8]) {
    // The parent may have had enough by now.
    let _sent = rustix::net::send(socket, packet, SendFlags::NOSIGNAL);
}

fn send_file(socket: &OwnedFd, packet: &[u8], file: BorrowedFd<'_>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let files = [file];
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&files)));
    let packet = [IoSlice::new(packet)];
    rustix::net::sendmsg(socket, &packet, &mut ancillary, SendFlags::NOSIGNAL).unwrap();
}

/// A packet, empty at the end, and the file descriptor that came with it.
fn receive(socket: &OwnedFd) -> (Vec<u8>, Option<OwnedFd>) {
    let mut packet = vec![0; 1 << 17];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let parts = &mut [IoSliceMut::new(&mut packet)];
    let received = rustix::net::recvmsg(socket, parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC);
    let length = received.map_or(0, |received| received.bytes);
    packet.truncate(length);
    let file = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    (packet, file)
}

fn stay() -> ! {
    loop {
        std::thread::park();
    }
}
