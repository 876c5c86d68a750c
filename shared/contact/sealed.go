package contact

import (
	"encoding/binary"
	"hash/maphash"
)

// seed is this process's own. It never leaves the process, and neither does
// a sealed text.
var seed = maphash.MakeSeed() //nolint:gochecknoglobals // a constant of the process

// sealed is a text in a form that shows nothing: the text's hash, and the text
// xored with hashes of that hash. fmt prints a string in an unexported field
// without a call of Format, so the string must not be the address. Two sealed
// texts are == exactly if the texts are ==. Sealing guards logs against mistakes;
// it is no encryption. Interning by package unique, which hides a text as well,
// took a third of the time of a check.
type sealed string

const (
	hashSize    = 8
	longAddress = hashSize + maxEmail
)

func seal(text string) sealed {
	var room [longAddress]byte
	key := maphash.String(seed, text)
	b := binary.LittleEndian.AppendUint64(room[:0], key)
	b = append(b, text...)
	xor(b[hashSize:], key)
	return sealed(b)
}

// appendTo appends the text.
func (s sealed) appendTo(b []byte) []byte {
	if s == "" {
		return b
	}
	start := len(b)
	b = append(b, s...)
	key := binary.LittleEndian.Uint64(b[start:])
	b = append(b[:start], b[start+hashSize:]...)
	xor(b[start:], key)
	return b
}

// xor is its own inverse.
func xor(b []byte, key uint64) {
	var block [2 * hashSize]byte
	binary.LittleEndian.PutUint64(block[:], key)
	for i := range b {
		if i%hashSize == 0 {
			binary.LittleEndian.PutUint64(block[hashSize:], uint64(i))
			binary.LittleEndian.PutUint64(block[hashSize:], maphash.Bytes(seed, block[:]))
		}
		b[i] ^= block[hashSize+i%hashSize]
	}
}
