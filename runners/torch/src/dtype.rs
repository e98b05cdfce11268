//! Element types: ours and libtorch's.

use nav_package_format::DType;
use tch::Kind;

/// The kind of libtorch for an element type, if it has one.
pub(crate) const fn kind_of(dtype: DType) -> Option<Kind> {
    Some(match dtype {
        DType::Bool => Kind::Bool,
        DType::Uint8 => Kind::Uint8,
        DType::Int8 => Kind::Int8,
        DType::Int16 => Kind::Int16,
        DType::Int32 => Kind::Int,
        DType::Int64 => Kind::Int64,
        DType::Fp16 => Kind::Half,
        DType::Bf16 => Kind::BFloat16,
        DType::Fp32 => Kind::Float,
        DType::Fp64 => Kind::Double,
        // libtorch can hold the wide unsigned ones, but has next to no operators for them.
        DType::Uint16 | DType::Uint32 | DType::Uint64 | DType::Bytes => return None,
    })
}

/// The element type for a kind of libtorch, if there is one.
pub(crate) fn dtype_of(kind: Kind) -> Option<DType> {
    let mut all = DType::ALL.iter().copied();
    all.find(|&dtype| kind_of(dtype) == Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_a_type_has_leads_back_to_it() {
        let known: Vec<DType> = DType::ALL
            .iter()
            .copied()
            .filter(|&dtype| kind_of(dtype).is_some())
            .collect();
        assert_eq!(known.len(), 10);
        for dtype in known {
            assert_eq!(kind_of(dtype).and_then(dtype_of), Some(dtype));
        }
        assert_eq!(dtype_of(Kind::ComplexFloat), None);
    }
}
