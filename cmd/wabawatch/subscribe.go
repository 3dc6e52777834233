package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wabawatch/wabawatch/shared/config"
)

// subscribeCommand connects each account to the app whose token is set: without that Meta sends
// nothing, however the app is configured.
func subscribeCommand() *cobra.Command {
	var wabaIDs string
	cmd := &cobra.Command{
		Use:   "subscribe",
		Short: "Subscribe the app to each account (POST /{WABA}/subscribed_apps)",
		Args:  noArguments,
	}
	cmd.Flags().StringVar(&wabaIDs, "waba", "", "accounts, comma-separated; default WABAWATCH_WABA_IDS, or those of WABAWATCH_BUSINESS_ID")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		set := map[string]string{"WABAWATCH_POLLING": "on"} // the client is for this call, whoever polls
		if wabaIDs != "" {
			set["WABAWATCH_WABA_IDS"] = wabaIDs
		}
		cfg, err := config.ParseServe(true, set)
		if err != nil {
			return usageError{err}
		}
		p := &program{cfg: cfg, out: cmd.OutOrStdout(), log: newLogger(cmd.ErrOrStderr(), false)}
		client, err := p.source()
		if err != nil {
			return usageError{err}
		}
		if client == nil {
			return usageError{errors.New("WABAWATCH_ACCESS_TOKEN is not set: a token with whatsapp_business_management is needed")}
		}
		if len(cfg.WABAIDs) == 0 && cfg.BusinessID != "" {
			if cfg.WABAIDs, err = client.Discover(cmd.Context(), cfg.BusinessID); err != nil {
				return fmt.Errorf("discover accounts: %w", err)
			}
		}
		if len(cfg.WABAIDs) == 0 {
			return usageError{errors.New("no accounts: pass --waba or set WABAWATCH_WABA_IDS")}
		}
		var errs []error
		for _, id := range cfg.WABAIDs {
			if err := client.Subscribe(cmd.Context(), id); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", id, err))
				continue
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), id, "subscribed"); err != nil {
				return err
			}
		}
		return errors.Join(errs...)
	}
	return cmd
}
