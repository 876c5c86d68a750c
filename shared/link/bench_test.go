package link_test

import (
	"testing"

	"stille/shared/contact"
)

func benchmark(b *testing.B, ch contact.Channel, address string) {
	s := newSets(b)
	s.grow(b)
	s.grow(b)
	k := s.keys(b)
	of := target(b, 1, ch, address)
	token := mint(b, k, of)
	b.Run("Mint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Mint(of); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Open(ch, token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("OpenForged", func(b *testing.B) {
		b.ReportAllocs()
		forged := token[:len(token)/2] + "00" + token[len(token)/2+2:]
		for b.Loop() {
			if _, err := k.Open(ch, forged); err == nil {
				b.Fatal("opened")
			}
		}
	})
}

func BenchmarkEmail(b *testing.B) { benchmark(b, contact.Email, "kari.nordmann9@example.no") }
func BenchmarkSMS(b *testing.B)   { benchmark(b, contact.SMS, "+4791234567") }
