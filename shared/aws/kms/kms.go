// Package kms signs certificates with a key that never leaves KMS.
package kms

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"stille/shared/certificate"
)

// Signer is a purge.Signer.
type Signer struct {
	kms *kms.Client
	key string // id or alias
}

// NewSigner returns a signer with a key, named by its id or alias.
func NewSigner(cfg aws.Config, key string) *Signer {
	return &Signer{kms: kms.NewFromConfig(cfg), key: key}
}

// Sign signs a SHA-256 digest: DER, ECDSA P-256.
func (s *Signer) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	out, err := s.kms.Sign(ctx, &kms.SignInput{
		KeyId: &s.key, Message: digest, MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
	})
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return out.Signature, nil
}

// PublicKey returns the public key as a PEM file.
func (s *Signer) PublicKey(ctx context.Context) ([]byte, error) {
	out, err := s.kms.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &s.key})
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	return certificate.EncodePublicKey(out.PublicKey), nil
}
