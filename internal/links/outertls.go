package links

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

// outerConfig is how the TLS around WebSocket connections is spoken.
type outerConfig struct{ client, server *tls.Config }

// outerTLS makes the configuration with a certificate of its own. The certificate says
// nothing and proves nothing: no authority has signed it, and no peer looks at it. Who
// is at the other end, Noise proves inside, against the peer ID that was dialled; who
// breaks the TLS by putting itself between the two sees a Noise handshake and nothing
// of what follows.
//
// Only TLS 1.3, in which the certificate is not sent in the open, and only the
// protocol name that every WebSocket client offers.
func outerTLS() (outerConfig, error) {
	cert, err := snakeOil(time.Now())
	if err != nil {
		return outerConfig{}, fmt.Errorf("links: making a certificate: %w", err)
	}
	protocols := []string{"http/1.1"}
	return outerConfig{
		server: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: protocols},
		client: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: protocols},
	}, nil
}

// NewWebSocketDialer makes a transport that dials by WebSocket as links do, and is not
// to listen.
func NewWebSocketDialer(u transport.Upgrader, r network.ResourceManager) (transport.Transport, error) {
	config, err := outerTLS()
	if err != nil {
		return nil, err
	}
	return websocket.New(u, r, nil, websocket.WithTLSClientConfig(config.client))
}

// snakeOil makes a self-signed certificate such as a server has before its owner
// installs a real one: valid for ten years, for some time already.
func snakeOil(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	const day = 24 * time.Hour
	age, err := rand.Int(rand.Reader, big.NewInt(int64(300*day)))
	if err != nil {
		return tls.Certificate{}, err
	}
	from := now.Add(-day - time.Duration(age.Int64())).Truncate(time.Second)
	template := x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		NotBefore:             from,
		NotAfter:              from.Add(3650 * day),
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
