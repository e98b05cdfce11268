//! Markers: a shape for each series, so that colour is not all there is to tell them by.

use super::path::add;

/// How many shapes there are.
pub(super) const SHAPES: usize = 8;

/// The marker of a series around a point, this far out.
pub(in crate::report) fn marker(series: usize, (x, y): (f64, f64), size: f64) -> String {
    let corners: &[(f64, f64)] = match series % SHAPES {
        0 => return disc((x, y), size),
        // A square.
        1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        // A triangle that stands.
        2 => &[(0.0, -1.15), (1.1, 0.85), (-1.1, 0.85)],
        // A diamond.
        3 => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
        // A triangle on its head.
        4 => &[(0.0, 1.15), (1.1, -0.85), (-1.1, -0.85)],
        // A cross.
        5 => return cross((x, y), size),
        // A bar that lies.
        6 => &[(-1.3, -0.55), (1.3, -0.55), (1.3, 0.55), (-1.3, 0.55)],
        // A bar that stands.
        _ => &[(-0.55, -1.3), (0.55, -1.3), (0.55, 1.3), (-0.55, 1.3)],
    };
    let placed = corners
        .iter()
        .map(|(across, down)| (x + across * size, y + down * size));
    polygon(placed)
}

/// A ring, for what was chosen.
pub(super) fn ring(center: (f64, f64), size: f64) -> String {
    disc(center, size)
}

fn disc((x, y): (f64, f64), radius: f64) -> String {
    let mut path = String::new();
    add(&mut path, 'M', &[x - radius, y]);
    for across in [2.0 * radius, -2.0 * radius] {
        add(
            &mut path,
            'a',
            &[radius, radius, 0.0, 1.0, 0.0, across, 0.0],
        );
    }
    path.push('Z');
    path
}

fn cross((x, y): (f64, f64), size: f64) -> String {
    let (far, near) = (1.2 * size, 0.45 * size);
    let corners = [
        (-near, -far),
        (near, -far),
        (near, -near),
        (far, -near),
        (far, near),
        (near, near),
        (near, far),
        (-near, far),
        (-near, near),
        (-far, near),
        (-far, -near),
        (-near, -near),
    ];
    polygon(corners.iter().map(|(across, down)| (x + across, y + down)))
}

fn polygon(corners: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (position, (x, y)) in corners.enumerate() {
        add(&mut path, if position == 0 { 'M' } else { 'L' }, &[x, y]);
    }
    path.push('Z');
    path
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_series_has_a_shape_of_its_own_around_its_point() {
        let shapes: BTreeSet<String> = (0..SHAPES)
            .map(|series| marker(series, (10.0, 10.0), 4.0))
            .collect();
        assert_eq!(shapes.len(), SHAPES);
        assert_eq!(marker(1, (10.0, 20.0), 10.0), "M1 11L19 11L19 29L1 29Z");
        assert_eq!(
            ring((10.0, 10.0), 5.0),
            "M5 10a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z"
        );
    }
}
