//! Messages as they travel: a flag, a length, and the bytes, of which large ones stay where they are.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use smallvec::SmallVec;

use crate::aside::{HEAVY, aside_if};
use crate::compression::Coding;
use crate::proto::{ModelInferResponse, ModelStreamInferResponse};
use crate::refusal::Refusal;

/// How long the head of a message is.
pub(super) const HEAD: usize = 5;
/// Messages up to here travel in one piece: that takes less than the pieces would.
const SMALL: usize = 16 << 10;

/// A message in the pieces in which it is written.
pub(super) type Pieces = SmallVec<[Bytes; 2]>;

/// What can be sent.
pub(super) trait Outgoing {
    /// It as bytes; large members stay where they are.
    fn pieces(self) -> Pieces;
}

impl<M: Message> Outgoing for M {
    fn pieces(self) -> Pieces {
        std::iter::once(Bytes::from(self.encode_to_vec())).collect()
    }
}

/// An answer of a model, whose outputs are behind all other members.
pub(super) struct Inferred(pub(super) ModelInferResponse);

/// An answer of a model on a stream.
pub(super) struct Streamed(pub(super) ModelStreamInferResponse);

impl Inferred {
    fn length(&self) -> usize {
        self.0.encoded_len()
    }

    /// Writes it behind what is there already.
    fn write(mut self, mut head: BytesMut) -> Pieces {
        const OUTPUTS: u32 = 6;
        let outputs = std::mem::take(&mut self.0.raw_output_contents);
        // There is room for whatever is put in.
        self.0.encode_raw(&mut head);
        let mut pieces = Pieces::new();
        for output in outputs {
            encode_key(OUTPUTS, WireType::LengthDelimited, &mut head);
            encode_varint(output.len() as u64, &mut head);
            if output.len() <= SMALL {
                head.put(output);
            } else {
                pieces.push(head.split().freeze());
                pieces.push(output);
            }
        }
        pieces.push(head.freeze());
        pieces
    }
}

impl Outgoing for Inferred {
    fn pieces(self) -> Pieces {
        self.write(BytesMut::new())
    }
}

impl Outgoing for Streamed {
    fn pieces(mut self) -> Pieces {
        const RESPONSE: u32 = 2;
        let response = self.0.infer_response.take();
        let mut head = BytesMut::new();
        self.0.encode_raw(&mut head);
        let Some(response) = response.map(Inferred) else {
            return std::iter::once(head.freeze()).collect();
        };
        let length = response.length();
        head.reserve(encoded_len_varint(length as u64) + 1);
        encode_key(RESPONSE, WireType::LengthDelimited, &mut head);
        encode_varint(length as u64, &mut head);
        response.write(head)
    }
}

/// The message with its head, compressed if it is to be.
pub(super) async fn framed(
    message: impl Outgoing,
    coding: Option<Coding>,
) -> Result<Pieces, Refusal> {
    let mut pieces = message.pieces();
    if let Some(coding) = coding {
        let is_heavy = length(&pieces) > HEAVY;
        let compress = move || coding.deflate(&pieces);
        let packed = aside_if(is_heavy, compress).await?;
        let packed = packed.map_err(|error| Refusal::internal(error.to_string()))?;
        pieces = std::iter::once(packed).collect();
    }
    let total = length(&pieces);
    let announced = u32::try_from(total).map_err(|_| {
        Refusal::internal(format!("an answer of {total} bytes is too large to send"))
    })?;
    let mut head =
        BytesMut::with_capacity(HEAD + pieces.first().map_or(0, |it| it.len().min(SMALL)));
    head.put_u8(u8::from(coding.is_some()));
    head.put_u32(announced);
    if let Some(first) = pieces.first_mut().filter(|first| first.len() <= SMALL) {
        head.put(std::mem::take(first));
        *first = head.freeze();
    } else {
        pieces.insert(0, head.freeze());
    }
    Ok(pieces)
}

fn length(pieces: &Pieces) -> usize {
    pieces.iter().map(Bytes::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Budget;

    fn answer(sizes: &[usize]) -> ModelInferResponse {
        ModelInferResponse {
            model_name: "m".to_owned(),
            id: "i".to_owned(),
            raw_output_contents: sizes.iter().map(|size| vec![7; *size].into()).collect(),
            ..ModelInferResponse::default()
        }
    }

    fn sent(message: impl Outgoing, coding: Option<Coding>) -> Pieces {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(framed(message, coding)).unwrap()
    }

    #[test]
    fn messages_are_the_same_in_pieces_and_large_outputs_are_not_copied() {
        for sizes in [&[][..], &[0, 5], &[SMALL], &[SMALL + 1, 3, 100_000, 0]] {
            let whole = answer(sizes);
            let large: Vec<*const u8> = whole
                .raw_output_contents
                .iter()
                .filter(|output| output.len() > SMALL)
                .map(|output| output.as_ptr())
                .collect();
            let streamed = ModelStreamInferResponse {
                error_message: "e".to_owned(),
                infer_response: Some(whole.clone()),
            };
            let expected = [whole.encode_to_vec(), streamed.encode_to_vec()];
            let sent = [sent(Inferred(whole), None), sent(Streamed(streamed), None)];
            for (pieces, expected) in sent.into_iter().zip(expected) {
                let bytes = pieces.concat();
                let (head, message) = bytes.split_at(HEAD);
                assert_eq!(message, expected);
                assert_eq!(head[0], 0);
                assert_eq!(
                    head[1..],
                    u32::try_from(expected.len()).unwrap().to_be_bytes()
                );
                let kept = pieces.iter().map(|piece| piece.as_ptr());
                let kept: Vec<_> = kept.filter(|at| large.contains(at)).collect();
                assert_eq!(kept, large);
            }
        }
    }

    #[test]
    fn compressed_messages_come_back() {
        let whole = answer(&[300_000, 1]);
        let expected = whole.encode_to_vec();
        let pieces = sent(Inferred(whole), Some(Coding::Gzip));
        let bytes = Bytes::from(pieces.concat());
        assert_eq!(bytes[0], 1);
        let packed = std::iter::once(bytes.slice(HEAD..)).collect();
        let mut share = Budget::new(1 << 20).share();
        let inflated = Coding::Gzip.inflate(packed, 1 << 20, &mut share);
        assert_eq!(inflated.unwrap(), expected);
    }
}
