package whatsapptest

import (
	"context"
	"time"
)

// Ids of the account that a Story plays in. Everything about it is invented.
const (
	StoryWABAID      = "102290129340398"
	StoryPortfolioID = "506914307656634"
)

// Story is what the demonstration plays: a small invented account on a simulated Meta, in
// which a template loses its quality and is paused, and a number's rating sinks and recovers.
type Story struct {
	Meta   *Meta
	Sender *Sender
	// Now dates the webhooks; nil is the system's clock.
	Now func() time.Time
}

// The numbers and templates of the story.
var (
	storyNumbers = []Number{
		{
			ID: "106540352242922", Display: "+1 202-555-0142", Name: "Larkspur Bikes", Rating: "GREEN", Status: "CONNECTED",
			NameStatus: "APPROVED", CodeVerification: "VERIFIED", Throughput: "STANDARD",
		},
		{
			ID: "106540352242987", Display: "+1 202-555-0187", Name: "Larkspur Repairs", Rating: "GREEN", Status: "CONNECTED",
			NameStatus: "APPROVED", CodeVerification: "VERIFIED", Throughput: "STANDARD",
		},
	}
	storyTemplates = []Template{
		{ID: "1407680676729941", Name: "order_shipped", Language: "en_US", Status: "APPROVED", Category: "UTILITY", Score: "GREEN"},
		{ID: "1407680676729956", Name: "repair_ready", Language: "en_US", Status: "APPROVED", Category: "UTILITY", Score: "GREEN"},
		{ID: "1407680676729963", Name: "login_code", Language: "en_US", Status: "APPROVED", Category: "AUTHENTICATION", Score: "UNKNOWN"},
		{ID: "1407680676729978", Name: "autumn_sale", Language: "en_US", Status: "APPROVED", Category: "MARKETING", Score: "GREEN"},
		{ID: "1407680676729985", Name: "revision_velo", Language: "fr", Status: "APPROVED", Category: "MARKETING", Score: "GREEN"},
	}
)

// Stage sets the account up, all well. Doing it again starts over.
func (s *Story) Stage() {
	s.Meta.SetAccount(Account{
		ID: StoryWABAID, Name: "Larkspur Bikes (simulated)", PortfolioID: StoryPortfolioID, ReviewStatus: "APPROVED",
		Verification: "verified", Limit: "TIER_10K",
	})
	for _, n := range storyNumbers {
		s.Meta.SetNumber(StoryWABAID, n)
	}
	for _, t := range storyTemplates {
		s.Meta.SetTemplate(StoryWABAID, t)
	}
}

// Tell stages the account and plays the story once, a pace between its steps, saying before
// each what happens. Afterwards nothing happens any more, and what happened stays. It returns
// an error if ctx ends, or if webhooks are not taken.
//
// What the template does is told by webhooks. Of the number's rating there is none, as with
// the real Meta: only polls see it.
func (s *Story) Tell(ctx context.Context, pace time.Duration, say func(string)) error {
	s.Stage()
	sale, repairs := storyTemplates[3], storyNumbers[1]
	say("simulation: this is no real account; two numbers and five templates, all well")
	for _, step := range []struct {
		words string
		play  func(at time.Time) []Change
	}{
		{"simulation: people begin to block the template autumn_sale; its quality falls to YELLOW, and a webhook says so", func(at time.Time) []Change {
			return s.rate(sale, "GREEN", "YELLOW", at)
		}},
		{"simulation: the rating of " + repairs.Display + " falls to YELLOW; Meta sends no webhook for that, a poll will see it", func(time.Time) []Change {
			return s.rateNumber(repairs, "YELLOW")
		}},
		{"simulation: autumn_sale falls to RED", func(at time.Time) []Change {
			return s.rate(sale, "YELLOW", "RED", at)
		}},
		{"simulation: Meta pauses autumn_sale for three hours (FIRST_PAUSE)", func(at time.Time) []Change {
			s.Meta.UpdateTemplate(sale.ID, func(t *Template) { t.Status = "PAUSED" })
			return []Change{TemplatePaused(StoryWABAID, sale, "FIRST_PAUSE", at)}
		}},
		{"simulation: the rating of " + repairs.Display + " falls to RED", func(time.Time) []Change {
			return s.rateNumber(repairs, "RED")
		}},
		{"simulation: people are content again; the rating of " + repairs.Display + " is GREEN", func(time.Time) []Change {
			return s.rateNumber(repairs, "GREEN")
		}},
	} {
		if err := pause(ctx, pace); err != nil {
			return err
		}
		say(step.words)
		if changes := step.play(s.now()); len(changes) > 0 {
			if err := s.Sender.Deliver(ctx, changes...); err != nil {
				return err
			}
		}
	}
	say("simulation: the story ends here; autumn_sale stays paused")
	return nil
}

func (s *Story) rate(t Template, from, to string, at time.Time) []Change {
	s.Meta.UpdateTemplate(t.ID, func(t *Template) { t.Score = to })
	return []Change{TemplateQuality(StoryWABAID, t, from, to, at)}
}

func (s *Story) rateNumber(n Number, rating string) []Change {
	s.Meta.UpdateNumber(n.ID, func(n *Number) { n.Rating = rating })
	return nil
}

func (s *Story) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
