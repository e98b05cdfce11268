//! Rows that say the same in some inputs, asked together and apart from the others.

use super::padder::ConstantPadder;
use crate::array::Array;
use crate::callable::{Inputs, Outputs};
use crate::failure::Failure;

/// Asks this for each group of rows in which the inputs of these names say the same, and puts together what it gives.
pub fn group_by_values<N: Into<String>, R: Into<Outputs>>(
    keys: impl IntoIterator<Item = N>,
    infer: impl FnMut(Inputs) -> Result<R, Failure> + Send,
) -> impl FnMut(Inputs) -> Result<Outputs, Failure> + Send {
    grouped(keys, None, infer)
}

/// The same for what gives outputs of different extents for different groups: they are padded to the largest.
pub fn group_by_values_padded<N: Into<String>, R: Into<Outputs>>(
    keys: impl IntoIterator<Item = N>,
    padder: ConstantPadder,
    infer: impl FnMut(Inputs) -> Result<R, Failure> + Send,
) -> impl FnMut(Inputs) -> Result<Outputs, Failure> + Send {
    grouped(keys, Some(padder), infer)
}

fn grouped<N: Into<String>, R: Into<Outputs>>(
    keys: impl IntoIterator<Item = N>,
    padder: Option<ConstantPadder>,
    mut infer: impl FnMut(Inputs) -> Result<R, Failure> + Send,
) -> impl FnMut(Inputs) -> Result<Outputs, Failure> + Send {
    let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
    move |inputs| {
        let groups = groups(&keys, &inputs)?;
        if groups.len() < 2 {
            return Ok(infer(inputs)?.into());
        }
        let mut given = Vec::with_capacity(groups.len());
        for rows in &groups {
            let part = inputs.changed(rows.len(), |_, array| picked(array, rows))?;
            let outputs: Outputs = infer(part)?.into();
            check_rows(&outputs, rows.len())?;
            given.push(outputs);
        }
        if let Some(padder) = &padder {
            given = padder.pad(given)?;
        }
        merged(&given, &groups)
    }
}

/// The rows of each group, in the order in which groups begin.
fn groups(keys: &[String], inputs: &Inputs) -> Result<Vec<Vec<usize>>, Failure> {
    let arrays: Vec<&Array> = keys
        .iter()
        .map(|key| inputs.array(key))
        .collect::<Result<_, _>>()?;
    let mut groups: Vec<(Vec<Array>, Vec<usize>)> = Vec::new();
    for row in 0..inputs.rows() {
        let values = arrays.iter().map(|array| array.slice(row..row + 1));
        let values: Vec<Array> = values.collect::<Result<_, _>>()?;
        match groups.iter_mut().find(|(known, _)| *known == values) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((values, vec![row])),
        }
    }
    Ok(groups.into_iter().map(|(_, rows)| rows).collect())
}

fn picked(array: &Array, rows: &[usize]) -> Result<Array, Failure> {
    let rows = rows.iter().map(|row| array.slice(*row..*row + 1));
    let rows: Vec<Array> = rows.collect::<Result<_, _>>()?;
    Ok(Array::stacked(&rows)?)
}

fn check_rows(outputs: &Outputs, rows: usize) -> Result<(), Failure> {
    let mut arrays = outputs.iter().enumerate();
    let wrong = arrays.find(|(_, array)| array.rows() != Some(rows));
    wrong.map_or(Ok(()), |(position, array)| {
        let (label, shape) = (outputs.label(position), array.shape());
        let text = format!("output `{label}` has shape {shape}, and its group has {rows} rows");
        Err(Failure::new(text))
    })
}

/// What was given for all groups, with each row in the place where it was asked for.
fn merged(given: &[Outputs], groups: &[Vec<usize>]) -> Result<Outputs, Failure> {
    let Some(first) = given.first() else {
        return Ok(Outputs::ordered([]));
    };
    // Rows as they lie one behind the other, by the places that they are for.
    let places = groups.iter().flatten().copied();
    let mut order: Vec<(usize, usize)> = places.zip(0..).collect();
    order.sort_unstable();
    let order: Vec<usize> = order.into_iter().map(|(_, found)| found).collect();
    first.changed(|position, _| {
        let label = first.label(position);
        let arrays = given.iter().map(|outputs| outputs.at(position, &label));
        let arrays: Vec<&Array> = arrays.collect::<Option<_>>().ok_or_else(|| {
            Failure::new(format!(
                "output `{label}` was given for some groups and not for others"
            ))
        })?;
        let stacked = Array::stacked(arrays).map_err(|error| {
            let text = format!("output `{label}` differs between groups: {error}");
            Failure::new(text)
        })?;
        picked(&stacked, &order)
    })
}
