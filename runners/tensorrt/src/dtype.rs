//! Element types: ours, and the numbers that TensorRT has for its own.

use nav_package_format::DType;

/// The types of TensorRT that have none of ours.
const OTHERS: &[(i32, &str)] = &[(6, "FP8"), (9, "INT4"), (10, "FP4"), (11, "E8M0")];

/// The number of an element type, if TensorRT has it.
pub(crate) const fn number_of(dtype: DType) -> Option<i32> {
    Some(match dtype {
        DType::Fp32 => 0,
        DType::Fp16 => 1,
        DType::Int8 => 2,
        DType::Int32 => 3,
        DType::Bool => 4,
        DType::Uint8 => 5,
        DType::Bf16 => 7,
        DType::Int64 => 8,
        DType::Int16
        | DType::Uint16
        | DType::Uint32
        | DType::Uint64
        | DType::Fp64
        | DType::Bytes => return None,
    })
}

/// The element type of a number, or what TensorRT calls it.
pub(crate) fn of_number(number: i32) -> Result<DType, String> {
    let mut all = DType::ALL.iter().copied();
    let found = all.find(|&dtype| number_of(dtype) == Some(number));
    found.ok_or_else(|| {
        let other = OTHERS.iter().find(|(known, _)| *known == number);
        other.map_or_else(|| format!("type {number}"), |(_, name)| (*name).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_tensorrt_leads_to_a_type_of_ours_or_to_its_name() {
        let check = |number, expected: Result<DType, &str>| {
            assert_eq!(of_number(number), expected.map_err(str::to_owned));
        };
        check(0, Ok(DType::Fp32));
        check(1, Ok(DType::Fp16));
        check(2, Ok(DType::Int8));
        check(3, Ok(DType::Int32));
        check(4, Ok(DType::Bool));
        check(5, Ok(DType::Uint8));
        check(6, Err("FP8"));
        check(7, Ok(DType::Bf16));
        check(8, Ok(DType::Int64));
        check(9, Err("INT4"));
        check(10, Err("FP4"));
        check(11, Err("E8M0"));
        check(12, Err("type 12"));
    }
}
