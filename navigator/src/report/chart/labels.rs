//! Where labels go: near what they are about, and never over each other.

/// Moves places apart until neighbours have this much room, all of them between two edges as far as they fit.
/// The order of the answer is that of the question.
pub(super) fn spread(wanted: &[f64], room: f64, (first, last): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&one, &other| wanted[one].total_cmp(&wanted[other]));
    let mut placed = wanted.to_vec();
    let mut free = first;
    for &position in &order {
        placed[position] = placed[position].max(free);
        free = placed[position] + room;
    }
    let mut free = last;
    for &position in order.iter().rev() {
        placed[position] = placed[position].min(free);
        free = placed[position] - room;
    }
    placed
}

/// A rectangle that a text takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Room {
    /// Whether two texts would be over each other.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_order_and_their_distance() {
        let check = |wanted: &[f64], expected: &[f64]| {
            assert_eq!(spread(wanted, 10.0, (0.0, 100.0)), expected);
        };
        check(&[], &[]);
        check(&[50.0, 20.0], &[50.0, 20.0]);
        check(&[50.0, 50.0, 51.0], &[50.0, 60.0, 70.0]);
        check(&[99.0, 98.0], &[100.0, 90.0]);
        check(&[-5.0, 100.0, 100.0], &[0.0, 90.0, 100.0]);
    }

    #[test]
    fn texts_meet_where_they_overlap() {
        let room = |left, top| Room {
            left,
            top,
            right: left + 10.0,
            bottom: top + 10.0,
        };
        assert!(room(0.0, 0.0).meets(&room(9.0, 9.0)));
        assert!(!room(0.0, 0.0).meets(&room(10.0, 0.0)));
    }
}
