//! The channel under loom: every order in which its ends can meet. Run with `RUSTFLAGS="--cfg loom"`.

use loom::sync::Arc;
use loom::thread;

use super::*;

#[test]
fn a_receiver_that_blocks_gets_every_answer_and_the_end() {
    loom::model(|| {
        let channel = Arc::new(Channel::new());
        let sender = Arc::clone(&channel);
        let sending = thread::spawn(move || {
            assert!(sender.send(1, 1));
            sender.end(Some(2));
        });
        assert_eq!(channel.receive(None), Received::Answer(1));
        assert_eq!(channel.receive(None), Received::Answer(2));
        assert_eq!(channel.receive(None), Received::Ended);
        sending.join().unwrap();
    });
}

#[test]
fn a_receiver_that_polls_is_woken() {
    loom::model(|| {
        let channel = Arc::new(Channel::new());
        let sender = Arc::clone(&channel);
        let sending = thread::spawn(move || sender.end(Some(1)));
        let receiver = Arc::clone(&channel);
        let received =
            loom::future::block_on(std::future::poll_fn(move |context| receiver.poll(context)));
        assert_eq!(received, Some(1));
        sending.join().unwrap();
    });
}

#[test]
fn a_sender_that_waits_for_room_is_let_go_whatever_the_receiver_does() {
    loom::model(|| {
        let channel = Arc::new(Channel::new());
        let sender = Arc::clone(&channel);
        let sending = thread::spawn(move || {
            assert!(sender.send(1, 1) || sender.is_abandoned());
            sender.send(2, 1)
        });
        assert_eq!(channel.receive(None), Received::Answer(1));
        channel.abandon();
        sending.join().unwrap();
        assert!(!channel.send(3, 1));
    });
}
