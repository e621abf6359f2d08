package release

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// nextNumber is the build number after the highest, in the same form: the last
// field counts on; where the first is a date, a later day starts a new one.
func nextNumber(highest string, today time.Time) (string, error) {
	fields := strings.Split(highest, ".")
	last := len(fields) - 1
	if date, rest, ok := dateOf(fields[0]); ok && (last > 0 || len(fields[0]) == 8 || rest != "") {
		if now := today.Format("20060102"); now > date {
			fields[0] = now
			if rest != "" {
				fields[0] += padded(1, len(rest))
			}
			for i := 1; i < len(fields); i++ {
				fields[i] = "1"
			}
			return checkNumber(strings.Join(fields, "."))
		}
	}
	n, err := strconv.ParseUint(fields[last], 10, 62)
	if err != nil {
		return "", fmt.Errorf("build number %s cannot be counted on", highest)
	}
	fields[last] = strconv.FormatUint(n+1, 10)
	return checkNumber(strings.Join(fields, "."))
}

// dateOf splits a field such as 20261123 or 2026112304 into its day and the
// rest.
func dateOf(field string) (date, rest string, ok bool) {
	if len(field) < 8 || len(field) > 12 {
		return "", "", false
	}
	day, err := time.Parse("20060102", field[:8])
	if err != nil || day.Year() < 2007 || day.Year() > 2099 {
		return "", "", false
	}
	return field[:8], field[8:], true
}

func padded(n, width int) string {
	text := strconv.Itoa(n)
	return strings.Repeat("0", max(0, width-len(text))) + text
}

// maxNumber is the longest build number that Apple takes.
const maxNumber = 18

func checkNumber(number string) (string, error) {
	if len(number) > maxNumber {
		return "", errors.New("the next build number, " + number + ", is longer than Apple's 18 characters")
	}
	return number, nil
}
