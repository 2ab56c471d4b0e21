package main

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"hash"
	"os"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
)

// logIn has the client log in by the environment, as test/interop/login.ts sets it; without it, not at all.
func logIn(c *sarama.Config) {
	mechanism := os.Getenv("INTEROP_MECHANISM")
	if mechanism == "" {
		return
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(must(os.ReadFile(os.Getenv("INTEROP_CA"))))
	c.Net.TLS.Enable = true
	c.Net.TLS.Config = &tls.Config{RootCAs: authorities}
	c.Net.SASL.Enable = true
	c.Net.SASL.Mechanism = sarama.SASLMechanism(mechanism)
	c.Net.SASL.User = os.Getenv("INTEROP_USERNAME")
	c.Net.SASL.Password = os.Getenv("INTEROP_PASSWORD")
	digest := sha256.New
	if mechanism == sarama.SASLTypeSCRAMSHA512 {
		digest = sha512.New
	}
	c.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scram{digest: digest} }
}

// scram is the client's side of RFC 5802: sarama leaves it to its users.
type scram struct {
	digest                    func() hash.Hash
	password, bare, signature string
	done                      bool
}

func (s *scram) Begin(username, password, _ string) error {
	s.password, s.bare = password, "n="+username+",r="+rand.Text()
	return nil
}

func (s *scram) Done() bool { return s.done }

func (s *scram) Step(challenge string) (string, error) {
	switch {
	case challenge == "":
		return "n,," + s.bare, nil
	case strings.HasPrefix(challenge, "v="):
		s.done = challenge == "v="+s.signature
		if !s.done {
			return "", fmt.Errorf("the server does not know the credential")
		}
		return "", nil
	}
	parts := map[byte]string{}
	for _, part := range strings.Split(challenge, ",") {
		parts[part[0]] = part[2:]
	}
	salted := must(pbkdf2.Key(s.digest, s.password, must(base64.StdEncoding.DecodeString(parts['s'])),
		must(strconv.Atoi(parts['i'])), s.digest().Size()))
	unsigned := "c=biws,r=" + parts['r']
	signed := s.bare + "," + challenge + "," + unsigned
	clientKey := s.hmac(salted, "Client Key")
	stored := s.digest()
	stored.Write(clientKey)
	proof := s.hmac(stored.Sum(nil), signed)
	for at := range proof {
		proof[at] ^= clientKey[at]
	}
	s.signature = base64.StdEncoding.EncodeToString(s.hmac(s.hmac(salted, "Server Key"), signed))
	return unsigned + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func (s *scram) hmac(key []byte, text string) []byte {
	mac := hmac.New(s.digest, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
