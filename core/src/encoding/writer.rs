/// Puts numbers and texts one after the other.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Writer(Vec::with_capacity(bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// LEB128: seven bits a byte, lowest first, the eighth says that more follow.
    pub(crate) fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    /// A signed number, small when near zero: 0, -1, 1, -2 are written as 0, 1, 2, 3.
    pub(crate) fn signed(&mut self, number: i64) {
        self.varint(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(crate) fn size(&mut self, size: usize) {
        self.varint(size as u64);
    }

    /// A 128-bit number as two's complement, lowest byte first.
    pub(crate) fn wide(&mut self, number: i128) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.size(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A section whose body is written by `body`.
    pub(crate) fn section(&mut self, tag: u64, version: u64, body: impl FnOnce(&mut Writer)) {
        self.varint(tag);
        self.varint(version);
        // One byte is kept for the length; the body moves when it takes more.
        let place = self.0.len();
        self.0.push(0);
        body(self);
        let length = self.0.len() - place - 1;
        let mut digits = Writer::with_capacity(10);
        digits.size(length);
        if let [one] = digits.0[..] {
            if let Some(place) = self.0.get_mut(place) {
                *place = one;
            }
        } else {
            self.0.splice(place..=place, digits.0);
        }
    }
}
