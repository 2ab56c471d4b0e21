// Package compat exists so that the module has something to require.
package compat

import _ "github.com/twmb/franz-go/pkg/kgo"
