package retention

import "stille/shared/strictyaml"

// bounds limit the periods of a class, whatever retention.yaml says: a slip in
// that file must neither delete last week's records nor keep personal data
// longer than the privacy policies allow. A zero most sets no upper bound.
type bounds struct{ least, most Period }

// boundsOf returns the bounds of a class. They are code, so that a change of a
// bound is reviewed as code.
func boundsOf(class string) bounds {
	month := Period{1, 'M'}
	switch class {
	case "communication":
		return bounds{month, Period{6, 'M'}}
	case "messaging":
		return bounds{month, Period{2, 'Y'}}
	case "contact", "service":
		return bounds{month, Period{5, 'Y'}}
	}
	return bounds{least: Period{30, 'D'}}
}

// checkPeriods compares a class's periods with each other and with its bounds.
// A comparison of days with months takes the start for which it comes out
// worst.
func checkPeriods(f *strictyaml.Fields, c Class) {
	allowed := boundsOf(c.Name)
	for _, p := range []struct {
		field string
		Period
	}{{"promise", c.Promise}, {"keep", c.Keep}} {
		switch {
		case p.Period == Period{} || c.Name == "":
		case allowed.least.MayOutlast(p.Period):
			f.Wrong(p.field, "%v may be shorter than %v, the least for %s", p.Period, allowed.least, c.Name)
		case allowed.most != Period{} && p.MayOutlast(allowed.most):
			f.Wrong(p.field, "%v may be longer than %v, the most for %s", p.Period, allowed.most, c.Name)
		}
	}
	if c.Keep != (Period{}) && c.Minimum != (Period{}) && c.Minimum.MayOutlast(c.Keep) {
		f.Wrong("keep", "%v may be shorter than the minimum, %v, for which a law keeps the record", c.Keep, c.Minimum)
	}
	if c.Keep == (Period{}) || c.Promise == (Period{}) {
		return
	}
	switch {
	case c.Keep.MayOutlast(c.Promise):
		f.Wrong("keep", "%v may be longer than the promise, %v", c.Keep, c.Promise)
	case c.Keep.mayOutlast(c.Promise, BackupDays) && c.BackupAcknowledged == "" && !f.Has("backupAcknowledged"):
		f.Wrong("keep", "with %d days in backups, %v may outlast the promise, %v: keep less, or say in backupAcknowledged who accepted that", BackupDays, c.Keep, c.Promise)
	}
}
