//! The body of an answer: pieces that are sent as they are, there already or on their way.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// What gives pieces as they come to be. It is asked for the next one only when there is room for it, and dropped
/// when the client goes away.
pub(crate) trait Source: Send {
    /// The next piece, or a wake-up when it is there; `None` when there is none any more.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

/// Pieces, sent one after the other.
#[derive(Default)]
pub(crate) struct Frames {
    pieces: VecDeque<Bytes>,
    /// What comes behind them, if that is not known yet.
    source: Option<Box<dyn Source>>,
}

impl Frames {
    /// How many bytes there are already.
    pub(crate) fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Pieces that come to be while they are sent.
    pub(crate) fn streamed(source: impl Source + 'static) -> Self {
        Self {
            pieces: VecDeque::new(),
            source: Some(Box::new(source)),
        }
    }
}

impl FromIterator<Bytes> for Frames {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        Self {
            pieces: pieces.collect(),
            source: None,
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(piece) = self.pieces.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let piece = std::task::ready!(source.poll_piece(context));
        if piece.is_none() {
            self.source = None;
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.source.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.source {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.len() as u64),
        }
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("pieces", &self.pieces)
            .field("is_streamed", &self.source.is_some())
            .finish()
    }
}
