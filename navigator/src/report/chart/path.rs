//! Paths of a drawing, in the words of SVG.

use super::shapes::round;

/// A line through points, in their order; nothing for fewer than two.
pub(super) fn through(points: &[(f64, f64)]) -> String {
    if points.len() < 2 {
        return String::new();
    }
    let mut path = String::new();
    for (position, &(x, y)) in points.iter().enumerate() {
        let word = if position == 0 { 'M' } else { 'L' };
        add(&mut path, word, &[x, y]);
    }
    path
}

/// Steps through points from left to right and on to the edge: across to the next, then to its height.
pub(super) fn steps(points: &[(f64, f64)], edge: f64) -> String {
    let mut path = String::new();
    for (position, &(x, y)) in points.iter().enumerate() {
        if position == 0 {
            add(&mut path, 'M', &[x, y]);
        } else {
            add(&mut path, 'H', &[x]);
            add(&mut path, 'V', &[y]);
        }
    }
    if !points.is_empty() {
        add(&mut path, 'H', &[edge]);
    }
    path
}

/// A straight line.
pub(super) fn straight(from: (f64, f64), to: (f64, f64)) -> String {
    through(&[from, to])
}

/// An upright line with a bar across either end.
pub(super) fn upright(x: f64, (low, high): (f64, f64), half: f64) -> String {
    let ends = [low, high].map(|y| straight((x - half, y), (x + half, y)));
    format!("{}{}{}", straight((x, low), (x, high)), ends[0], ends[1])
}

/// A level line with a bar across either end.
pub(super) fn level(y: f64, (low, high): (f64, f64), half: f64) -> String {
    let ends = [low, high].map(|x| straight((x, y - half), (x, y + half)));
    format!("{}{}{}", straight((low, y), (high, y)), ends[0], ends[1])
}

/// A filled rectangle between two corners.
pub(super) fn rectangle((left, top): (f64, f64), (right, bottom): (f64, f64)) -> String {
    let mut path = String::new();
    add(&mut path, 'M', &[left, top]);
    add(&mut path, 'H', &[right]);
    add(&mut path, 'V', &[bottom]);
    add(&mut path, 'H', &[left]);
    path.push('Z');
    path
}

/// Adds a word with its numbers.
pub(super) fn add(path: &mut String, word: char, numbers: &[f64]) {
    path.push(word);
    for (position, number) in numbers.iter().enumerate() {
        if position > 0 {
            path.push(' ');
        }
        path.push_str(&round(*number).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_needs_two_points() {
        assert_eq!(through(&[]), "");
        assert_eq!(through(&[(1.0, 2.0)]), "");
        assert_eq!(through(&[(1.0, 2.04), (3.16, 4.0)]), "M1 2L3.2 4");
    }

    #[test]
    fn steps_go_across_before_they_go_up() {
        assert_eq!(steps(&[], 9.0), "");
        assert_eq!(steps(&[(1.0, 8.0)], 9.0), "M1 8H9");
        assert_eq!(steps(&[(1.0, 8.0), (4.0, 2.0)], 9.0), "M1 8H4V2H9");
    }

    #[test]
    fn intervals_have_ends_and_rectangles_are_closed() {
        assert_eq!(upright(5.0, (9.0, 1.0), 2.0), "M5 9L5 1M3 9L7 9M3 1L7 1");
        assert_eq!(level(5.0, (1.0, 9.0), 2.0), "M1 5L9 5M1 3L1 7M9 3L9 7");
        assert_eq!(rectangle((0.0, 1.0), (2.0, 3.0)), "M0 1H2V3H0Z");
    }
}
