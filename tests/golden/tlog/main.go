// Writes vectors.json: what golang.org/x/mod/sumdb (tlog, note) and transparency-dev/formats say
// of trees, proofs, tiles, signed notes and cosignatures. tests/unit/test_golden_logs.py holds
// Runut's own code to it. Keys are made of fixed seeds, so that the same versions write the same
// bytes again:
//
//	cd tests/golden/tlog && go run . > vectors.json
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	small   = 300 // every size up to here has its root and the digest of all its proofs
	crossed = 12  // every proof up to here is tried on every other claim
	tiled   = 70_000
)

var large = []int64{1 << 16, 1<<16 + 1, 999_999, 1 << 20, 1<<20 + 1, 1_234_567}

// Trees of equal leaves need one hash a level, so that any size can be had.
var equal = []int64{1 << 32, 1<<40 + 12_345, 1<<50 + 1<<31 + 7}

type proof struct {
	Size   int64    `json:"size"`
	Index  int64    `json:"index"` // of the leaf, or the size of the older tree
	Hashes []string `json:"hashes"`
}

type tree struct {
	Size        int64   `json:"size"`
	Root        string  `json:"root"`
	Inclusion   []proof `json:"inclusion"`
	Consistency []proof `json:"consistency"`
}

type tile struct {
	Path   string `json:"path"`
	Sha256 string `json:"sha256"`
}

type signedNote struct {
	Seed string `json:"seed"`
	Vkey string `json:"vkey"`
	Text string `json:"text"`
	Note string `json:"note"`
}

type cosignature struct {
	Seed  string `json:"seed"`
	Vkey  string `json:"vkey"`
	Text  string `json:"text"`
	TimeS int64  `json:"time_s"`
	Line  string `json:"line"`
}

type vectors struct {
	Made      string   `json:"made"`
	Leaves    []string `json:"leaves"` // of the first entries: entry n is "entry n"
	NodesOf   []string `json:"nodes"`  // node n is of leaves n and n + 1
	Roots     []string `json:"roots"`  // of sizes 0 to 300
	Inclusion []string `json:"inclusion_digests"`
	// Of each size: SHA-256 over its proofs in order, each its length in a byte and its hashes.
	Consistency      []string      `json:"consistency_digests"`
	InclusionTried   string        `json:"inclusion_tried"`
	ConsistencyTried string        `json:"consistency_tried"`
	Large            []tree        `json:"large"`
	Equal            []tree        `json:"equal"`
	TiledSize        int64         `json:"tiled_size"`
	Tiles            []tile        `json:"tiles"`
	Notes            []signedNote  `json:"notes"`
	Cosignatures     []cosignature `json:"cosignatures"`
	Mutated          string        `json:"mutated_note"`
	MutatedVkey      string        `json:"mutated_vkey"`
	Verdicts         string        `json:"mutated_verdicts"`
}

func main() {
	stored := grow(large[len(large)-1])
	v := vectors{Made: "golang.org/x/mod v0.42.0, github.com/transparency-dev/formats v0.1.1"}
	for n := int64(0); n < 8; n++ {
		v.Leaves = append(v.Leaves, text(leaf(n)))
		v.NodesOf = append(v.NodesOf, text(tlog.NodeHash(leaf(n), leaf(n+1))))
	}
	for size := int64(0); size <= small; size++ {
		v.Roots = append(v.Roots, text(root(size, stored)))
		v.Inclusion = append(v.Inclusion, digest(inclusions(size, stored)))
		v.Consistency = append(v.Consistency, digest(consistencies(size, stored)))
	}
	v.InclusionTried = tryInclusion(stored)
	v.ConsistencyTried = tryConsistency(stored)
	for _, size := range large {
		v.Large = append(v.Large, describe(size, stored))
	}
	same := equalLeaves()
	for _, size := range equal {
		v.Equal = append(v.Equal, describe(size, same))
	}
	v.TiledSize, v.Tiles = tiled, tiles(stored)
	v.Notes, v.Cosignatures = notes(), cosignatures(stored)
	v.Mutated, v.MutatedVkey = v.Notes[2].Note, v.Notes[2].Vkey
	v.Verdicts = verdicts(v.Mutated, v.MutatedVkey)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	must(0, out.Encode(v))
}

func leaf(n int64) tlog.Hash { return tlog.RecordHash(fmt.Appendf(nil, "entry %d", n)) }

type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = s[index]
	}
	return found, nil
}

func grow(size int64) storedHashes {
	var stored storedHashes
	for n := int64(0); n < size; n++ {
		stored = append(stored, must(tlog.StoredHashesForRecordHash(n, leaf(n), stored))...)
	}
	return stored
}

func equalLeaves() tlog.HashReader {
	levels := []tlog.Hash{leaf(0)}
	for level := 0; level < 51; level++ {
		levels = append(levels, tlog.NodeHash(levels[level], levels[level]))
	}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, _ := tlog.SplitStoredHashIndex(index)
			found[i] = levels[level]
		}
		return found, nil
	})
}

func root(size int64, from tlog.HashReader) tlog.Hash { return must(tlog.TreeHash(size, from)) }

func inclusions(size int64, from tlog.HashReader) (all [][]tlog.Hash) {
	for index := int64(0); index < size; index++ {
		all = append(all, must(tlog.ProveRecord(size, index, from)))
	}
	return all
}

func consistencies(size int64, from tlog.HashReader) (all [][]tlog.Hash) {
	for older := int64(1); older <= size; older++ {
		all = append(all, must(tlog.ProveTree(size, older, from)))
	}
	return all
}

func digest(proofs [][]tlog.Hash) string {
	sum := sha256.New()
	for _, hashes := range proofs {
		sum.Write([]byte{byte(len(hashes))})
		for _, hash := range hashes {
			sum.Write(hash[:])
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// tryInclusion tries the path of each leaf of each tree as that of each leaf of each tree: a bit
// for each, 1 where it is accepted.
func tryInclusion(from tlog.HashReader) string {
	var bits strings.Builder
	eachPair(0, func(size, index int64) {
		path := must(tlog.ProveRecord(size, index, from))
		eachPair(0, func(otherSize, otherIndex int64) {
			err := tlog.CheckRecord(path, otherSize, root(otherSize, from), otherIndex, leaf(otherIndex))
			bits.WriteString(bit(err == nil))
		})
	})
	return packed(bits.String())
}

func tryConsistency(from tlog.HashReader) string {
	var bits strings.Builder
	eachPair(1, func(size, older int64) {
		proof := must(tlog.ProveTree(size, older, from))
		eachPair(1, func(otherSize, otherOlder int64) {
			err := tlog.CheckTree(proof, otherSize, root(otherSize, from), otherOlder, root(otherOlder, from))
			bits.WriteString(bit(err == nil))
		})
	})
	return packed(bits.String())
}

func eachPair(first int64, do func(size, index int64)) {
	for size := int64(1); size <= crossed; size++ {
		for index := first; index < size+first; index++ {
			do(size, index)
		}
	}
}

func bit(is bool) string {
	if is {
		return "1"
	}
	return "0"
}

// packed writes bits as hex, the first one highest, padded with zeros to whole bytes.
func packed(bits string) string {
	content := make([]byte, (len(bits)+7)/8)
	for i := range bits {
		content[i/8] |= (bits[i] - '0') << (7 - i%8)
	}
	return hex.EncodeToString(content)
}

func describe(size int64, from tlog.HashReader) tree {
	found := tree{Size: size, Root: text(root(size, from))}
	for _, index := range []int64{0, 1, size / 3, size / 2, size - 2, size - 1} {
		path := must(tlog.ProveRecord(size, index, from))
		found.Inclusion = append(found.Inclusion, proof{size, index, texts(path)})
	}
	for _, older := range []int64{1, 255, size / 3, size/2 + 1, size - 1, size} {
		way := must(tlog.ProveTree(size, older, from))
		found.Consistency = append(found.Consistency, proof{size, older, texts(way)})
	}
	return found
}

func tiles(from tlog.HashReader) (found []tile) {
	for _, one := range tlog.NewTiles(8, 0, tiled) {
		content := sha256.Sum256(must(tlog.ReadTileData(one, from)))
		// C2SP's tiles are always 8 levels high and do not say so.
		path := strings.Replace(one.Path(), "tile/8/", "tile/", 1)
		found = append(found, tile{path, hex.EncodeToString(content[:])})
	}
	return found
}

func seed(n byte) []byte { return bytes.Repeat([]byte{n}, ed25519.SeedSize) }

// signer and verifier of a note, from a seed.
func keys(name string, n byte) (note.Signer, note.Verifier, string) {
	public := ed25519.NewKeyFromSeed(seed(n)).Public().(ed25519.PublicKey)
	vkey := must(note.NewEd25519VerifierKey(name, public))
	hash := strings.Split(vkey, "+")[1]
	secret := base64.StdEncoding.EncodeToString(append([]byte{1}, seed(n)...))
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, secret)
	return must(note.NewSigner(skey)), must(note.NewVerifier(vkey)), vkey
}

func notes() (found []signedNote) {
	texts := []string{
		"one line\n",
		"\n",
		"ledger/seals\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"two\n\nparagraphs, and é — ✓\n",
		"— looks like a signature AAAA\n",
	}
	for i, content := range texts {
		name := fmt.Sprintf("example.com/log-%d", i)
		one, verifier, vkey := keys(name, byte(i+1))
		another, _, _ := keys("another", 99)
		signed := must(note.Sign(&note.Note{Text: content}, one, another))
		must(note.Open(signed, note.VerifierList(verifier)))
		found = append(found, signedNote{hex.EncodeToString(seed(byte(i + 1))), vkey, content, string(signed)})
	}
	return found
}

// cosignatures are put together here, at times of our choosing, and judged by formats/note.
func cosignatures(from tlog.HashReader) (found []cosignature) {
	for i, size := range []int64{1, 300, 1_000_000} {
		key := ed25519.NewKeyFromSeed(seed(byte(i + 50)))
		name, timeS := fmt.Sprintf("witness.example/w%d", i), int64(1_700_000_000+i)
		_, _, plain := keys(name, byte(i+50))
		vkey := must(fnote.VKeyToCosignatureV1(plain))
		verifier := must(fnote.NewVerifierForCosignatureV1(vkey))
		content := fmt.Sprintf("ledger/seals\n%d\n%s\n", size, root(size, from))
		message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", timeS, content)
		stamped := binary.BigEndian.AppendUint64(nil, uint64(timeS))
		stamped = append(stamped, ed25519.Sign(key, []byte(message))...)
		if !verifier.Verify([]byte(content), stamped) {
			panic("a cosignature that does not verify")
		}
		line := binary.BigEndian.AppendUint32(nil, verifier.KeyHash())
		encoded := base64.StdEncoding.EncodeToString(append(line, stamped...))
		found = append(found, cosignature{
			hex.EncodeToString(seed(byte(i + 50))), vkey, content, timeS,
			fmt.Sprintf("— %s %s\n", name, encoded),
		})
	}
	return found
}

// verdicts on the note with each byte changed, left out and doubled: (v)erified, (u)nverified,
// (i)nvalid signature, (m)alformed.
func verdicts(signed, vkey string) string {
	known := note.VerifierList(must(note.NewVerifier(vkey)))
	var found strings.Builder
	for i := range len(signed) {
		before, after := signed[:i], signed[i+1:]
		for _, middle := range []string{string([]byte{signed[i] ^ 1}), "", signed[i:i+1] + signed[i:i+1]} {
			found.WriteString(verdict(before+middle+after, known))
		}
	}
	return found.String()
}

func verdict(content string, known note.Verifiers) string {
	_, err := note.Open([]byte(content), known)
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case err == nil:
		return "v"
	case errors.As(err, &invalid):
		return "i"
	case errors.As(err, &unverified):
		return "u"
	}
	return "m"
}

func text(hash tlog.Hash) string { return hex.EncodeToString(hash[:]) }

func texts(hashes []tlog.Hash) []string {
	found := []string{}
	for _, hash := range hashes {
		found = append(found, text(hash))
	}
	return found
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
