//! What senders and receivers of a channel can rely on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread;
use std::time::Duration;

use super::*;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn spawn<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> thread::JoinHandle<R> {
    thread::Builder::new().spawn(run).unwrap()
}

#[test]
fn answers_come_in_order_and_then_the_end() {
    let channel = Channel::new();
    for answer in 0..5 {
        assert!(channel.send(answer, 9));
    }
    channel.end(Some(5));
    let mut received = Vec::new();
    while let Received::Answer(answer) = channel.receive(None) {
        received.push(answer);
    }
    assert_eq!(received, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn whoever_polls_is_woken_once_for_what_comes_next() {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let context = Context::from_waker(&waker);
    let channel = Channel::new();
    assert_eq!(channel.poll(&context), Poll::Pending);
    assert_eq!(channel.poll(&context), Poll::Pending);
    channel.send(1, 9);
    channel.send(2, 9);
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(channel.poll(&context), Poll::Ready(Some(1)));
    assert_eq!(channel.poll(&context), Poll::Ready(Some(2)));
    assert_eq!(channel.poll(&context), Poll::Pending);
    channel.end(None);
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    assert_eq!(channel.poll(&context), Poll::Ready(None));
}

#[test]
fn a_full_channel_holds_its_sender_until_there_is_room() {
    let channel = Arc::new(Channel::new());
    let sender = Arc::clone(&channel);
    let sending = spawn(move || (0..100).all(|answer| sender.send(answer, 2)));
    for expected in 0..100 {
        assert_eq!(channel.receive(None), Received::Answer(expected));
    }
    assert!(sending.join().unwrap());
}

#[test]
fn a_sender_is_let_go_when_the_receiver_is_gone() {
    let channel = Arc::new(Channel::new());
    let sender = Arc::clone(&channel);
    let sending = spawn(move || {
        (0..1000)
            .take_while(|&answer| sender.send(answer, 2))
            .count()
    });
    assert_eq!(channel.receive(None), Received::Answer(0));
    assert!(channel.abandon());
    assert!(sending.join().unwrap() <= 3);
    assert!(channel.is_abandoned());
}

#[test]
fn nothing_follows_the_end() {
    let channel = Channel::new();
    channel.end(Some(1));
    channel.end(Some(2));
    assert!(!channel.send(3, 9));
    assert!(!channel.abandon());
    assert_eq!(channel.receive(None), Received::Answer(1));
    assert_eq!(channel.receive(None), Received::Ended);
}

#[test]
fn a_receiver_waits_no_longer_than_it_wants() {
    let channel = Channel::<u8>::new();
    let until = Instant::now() + Duration::from_millis(1);
    assert_eq!(channel.receive(Some(until)), Received::TimedOut);
}
