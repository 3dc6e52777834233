package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// testAlertCommand sends one labelled alert by every channel that serve would use.
func testAlertCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test-alert",
		Short: "Send one test alert the way serve would, and print it",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.ParseServe(true, nil)
			if err != nil {
				return usageError{err}
			}
			p := &program{cfg: cfg, out: cmd.OutOrStdout(), log: newLogger(cmd.ErrOrStderr(), false)}
			writer, err := notify.NewWriter(cfg.Language, cfg.TimeZone, cfg.PublicURL)
			if err != nil {
				return usageError{err}
			}
			publisher, err := p.publisher(cmd.Context(), writer)
			if err != nil {
				return err
			}
			return watch.SendTest(cmd.Context(), publisher, writer.Word, time.Now().UTC(), randomHex(10))
		},
	}
}
