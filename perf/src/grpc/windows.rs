//! How much may be sent, to the connection and to its one stream, and how much a server may send before it is told
//! that there is room again.

/// Room that both sides have at first.
pub(super) const USUAL: i64 = 65_535;
/// The most room that there can be.
pub(super) const MOST: u32 = (1 << 31) - 1;
/// What must have come before a server is told that there is room for it again.
const HALF: u32 = 1 << 30;

/// Room to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    connection: i64,
    stream: i64,
    /// What a new stream has.
    initial: i64,
}

/// Room to receive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Incoming {
    connection: u32,
    stream: u32,
}

impl Outgoing {
    pub(super) const fn new() -> Self {
        Self {
            connection: USUAL,
            stream: USUAL,
            initial: USUAL,
        }
    }

    pub(super) const fn begin_stream(&mut self) {
        self.stream = self.initial;
    }

    /// What a new stream has from now on, and by how much more those have that there are.
    pub(super) fn set_initial(&mut self, initial: u32) {
        let initial = i64::from(initial);
        self.stream += initial - self.initial;
        self.initial = initial;
    }

    pub(super) fn add_to_connection(&mut self, more: u32) {
        self.connection += i64::from(more);
    }

    pub(super) fn add_to_stream(&mut self, more: u32) {
        self.stream += i64::from(more);
    }

    pub(super) fn room(&self) -> usize {
        usize::try_from(self.connection.min(self.stream)).unwrap_or(0)
    }

    pub(super) fn take(&mut self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.connection -= count;
        self.stream -= count;
    }
}

impl Incoming {
    pub(super) const fn begin_stream(&mut self) {
        self.stream = 0;
    }

    /// So many bytes came. By how much more room the connection and the stream have now, if they are to be told.
    pub(super) fn came(&mut self, count: usize) -> (Option<u32>, Option<u32>) {
        let count = u32::try_from(count).unwrap_or(HALF);
        let told = |sum: &mut u32| {
            *sum = sum.saturating_add(count);
            (*sum >= HALF).then(|| std::mem::take(sum))
        };
        (told(&mut self.connection), told(&mut self.stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_sent_is_the_lesser_of_both() {
        let mut room = Outgoing::new();
        room.take(60_000);
        assert_eq!(room.room(), 5_535);
        room.add_to_connection(100_000);
        assert_eq!(room.room(), 5_535);
        room.add_to_stream(10_000);
        assert_eq!(room.room(), 15_535);
        room.begin_stream();
        assert_eq!(room.room(), 65_535);
        // A server may take back what it gave.
        room.take(65_535);
        room.set_initial(10);
        assert_eq!(room.room(), 0);
    }

    #[test]
    fn a_server_is_told_in_time_that_there_is_room() {
        let mut came = Incoming::default();
        let piece = 1 << 28;
        assert_eq!(came.came(piece), (None, None));
        came.begin_stream();
        assert_eq!(came.came(piece), (None, None));
        assert_eq!(came.came(piece), (None, None));
        assert_eq!(came.came(piece), (Some(1 << 30), None));
        assert_eq!(came.came(piece), (None, Some(1 << 30)));
    }
}
